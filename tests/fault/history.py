# SPDX-License-Identifier: LGPL-2.1-or-later
"""What must hold of everything that was ever written: to etcd by all nodes, and by
each node to its own database."""

import json
import re
import sqlite3


class Broken(AssertionError):
    """An invariant does not hold."""


def need(holds, rule, text):
    if not holds:
        raise Broken(f'{rule}: {text}')


class Ledger:
    """The keys, revision by revision. One change of all keys with the same revision
    is one transaction."""

    def __init__(self):
        self.specs = {}
        self.votes = {}      # (txid, node) to vote
        self.decisions = {}  # txid to decision
        self.locks = {}      # module to txid
        self.desired = {}    # module to its newest
        self.agreed = {}     # module to {epoch: sha256}
        self.applied = {}    # (module, node) to its newest
        self.bases = {}      # (module, base epoch) to txid that was committed
        self.known = set()   # txids that were ever begun

    def play(self, changes):
        group = []
        for change in changes:
            if group and group[0][0] != change[0]:
                self.take(group)
                group = []
            group.append(change)
        if group:
            self.take(group)
        return self

    def take(self, group):
        keys = {key: value for _, key, value in group}
        for key, value in keys.items():
            part, _, rest = key.partition('/')
            record = None if value is None else json.loads(value) if value.startswith('{') else value
            if part == 'lock':
                self.take_lock(rest, record, keys)
            elif part == 'desired' and record is not None:
                self.take_desired(rest, record, keys)
            elif part == 'applied':
                self.take_applied(*rest.split('/'), record)
            elif part == 'tx':
                self.take_tx(rest, record, keys)

    def take_lock(self, module, txid, keys):
        if txid is None:
            old = self.locks.pop(module, None)
            need(f'tx/{old}/decision' in keys, 'lockok', f'the lock of {module} was freed without a decision of {old}')
            return
        need(module not in self.locks, 'lockok', f'{txid} took the lock of {module} from {self.locks.get(module)}')
        need(txid not in self.decisions, 'lockok', f'{txid} holds {module} and is decided')
        self.locks[module] = txid

    def take_tx(self, rest, record, keys):
        txid, kind, *node = rest.split('/')
        if record is None:
            return
        if kind == 'spec':
            need(txid not in self.known, 'once', f'{txid} began twice')
            self.known.add(txid)
            self.specs[txid] = record
        elif kind == 'vote':
            need((txid, node[0]) not in self.votes, 'once', f'{node[0]} voted twice in {txid}')
            need(txid not in self.decisions, 'just', f'{node[0]} voted in {txid} after it was decided')
            self.votes[txid, node[0]] = record
        elif kind == 'decision':
            self.take_decision(txid, record, keys)

    def take_decision(self, txid, decision, keys):
        spec = self.specs[txid]
        need(txid not in self.decisions, 'once', f'{txid} was decided twice')
        self.decisions[txid] = decision
        if not decision.get('commit'):
            return
        votes = [self.votes.get((txid, node), {}).get('yes', False) for node in spec['participants']]
        enough = sum(votes) * 2 > len(votes) if spec['strategy'] == 'quorum' else all(votes)
        need(enough, 'just', f'{txid} ({spec["strategy"]}) was committed with {sum(votes)} of {len(votes)} votes')
        base = (spec['module'], spec.get('base_epoch', 0))
        need(base not in self.bases, 'serial', f'{txid} and {self.bases.get(base)} were built on the same epoch')
        self.bases[base] = txid
        need(f'desired/{spec["module"]}' in keys, 'once', f'{txid} was committed, but nothing is agreed')

    def take_desired(self, module, record, keys):
        old = self.desired.get(module, {'epoch': 0})
        self.desired[module] = record
        if record['epoch'] == old['epoch']:
            same = record['txid'] == old['txid'] and record['sha256'] == old['sha256']
            need(same, 'serial', f'epoch {record["epoch"]} of {module} was changed')
            return
        need(record['epoch'] == old['epoch'] + 1, 'serial',
             f'{module} went from epoch {old["epoch"]} to {record["epoch"]}')
        self.agreed.setdefault(module, {})[record['epoch']] = record['sha256']

    def take_applied(self, module, node, record):
        old = self.applied.get((module, node))
        if record is None:
            self.applied.pop((module, node), None)
            return
        self.applied[module, node] = record
        need(old is None or record['epoch'] >= old['epoch'], 'monotonic',
             f'{node} went back from epoch {old and old["epoch"]} to {record["epoch"]} of {module}')
        agreed = self.agreed.get(module, {}).get(record['epoch'])
        if record['state'] == 'applied' and record['epoch'] > 0 and not self.is_local(module, node, record):
            need(record.get('sha256') in (agreed, *self.locals.get((module, node), ())), 'noswap',
                 f'{node} says that it runs {record.get("sha256", "")[:12]} as epoch {record["epoch"]} of {module}; '
                 f'agreed was {agreed and agreed[:12]}')

    locals = {}  # (module, node) to versions of the node's own, told by whoever made them

    def is_local(self, module, node, record):
        return record.get('sha256') in self.locals.get((module, node), ())

    def check_settled(self, roster, alive):
        """Nothing is open, and everyone who lives has what is agreed."""
        need(not self.locks, 'eventually', f'locks are held: {self.locks}')
        open_ = [txid for txid in self.specs if txid not in self.decisions]
        need(not open_, 'eventually', f'not decided: {open_}')
        for module, desired in self.desired.items():
            for node in alive:
                applied = self.applied.get((module, node), {})
                need(applied.get('epoch') == desired['epoch'] and applied.get('sha256') == desired['sha256'],
                     'eventually', f'{node} has {applied} of {module}; agreed is epoch {desired["epoch"]}')


# ---- a node's own history ----

# What ever ran there, and by what. A load outside of a cluster has no id of one.
SWAPS = """SELECT r.number, r.id, r.strategy, r.uid, i.module, i.to_sha256 AS sha256, c.at AS committed_at,
                  e.state, e.phase, e.error
             FROM reload AS r JOIN reload_item AS i ON i.reload = r.number
                  LEFT JOIN reload_commit AS c ON c.reload = r.number
                  LEFT JOIN reload_end AS e ON e.reload = r.number ORDER BY r.number"""
CALLS = 'SELECT DISTINCT tool, sha256 FROM call_target'


def read(path, statement):
    database = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=10)
    database.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in database.execute(statement)]
    finally:
        database.close()


def check_node(name, path, ledger, own=()):
    """own: versions that were loaded there by hand."""
    agreed = {sha256 for epochs in ledger.agreed.values() for sha256 in epochs.values()} | set(own)
    rows = read(path, SWAPS)
    last_epoch = {}
    for row in rows:
        if row['sha256'] is None or row['committed_at'] is None:
            continue
        need(row['sha256'] in agreed, 'noswap', f'{name} swapped to {row["sha256"][:12]} (reload {row["id"]}), '
             'on which nobody agreed')
        if row['id'] in ledger.specs:
            decision = ledger.decisions.get(row['id'])
            need(decision is not None and decision.get('commit'), 'noswap',
                 f'{name} swapped to {row["sha256"][:12]} in {row["id"]}, which was {decision}')
            epoch = ledger.specs[row['id']].get('base_epoch', 0) + 1
            need(epoch > last_epoch.get(row['module'], 0), 'monotonic',
                 f'{name} applied epoch {epoch} of {row["module"]} after {last_epoch.get(row["module"])}')
            last_epoch[row['module']] = epoch
    swaps = {row['module']: row['sha256'] for row in rows if row['committed_at'] is not None}
    for module, desired in ledger.desired.items():
        need(swaps.get(module) == desired['sha256'], 'eventually',
             f'the history of {name} ends with {swaps.get(module)} of {module}; agreed is {desired["sha256"]}')
    for row in read(path, CALLS):
        need(row['sha256'] == '' or row['sha256'] in agreed, 'noswap',
             f'{name} answered {row["tool"]} with {row["sha256"][:12]}, on which nobody agreed')
    check_gate(name, rows, ledger)
    return rows


def check_gate(name, rows, ledger):
    """A version runs on a node only after it was prepared there: each swap is a
    reload of the node's own, which ran through its phases, and a node that did not
    say yes has one of another id, or none yet."""
    for row in rows:
        vote = ledger.votes.get((row['id'], name))
        if row['committed_at'] is not None and vote is not None:
            need(vote.get('yes'), 'laggard gate', f'{name} applied {row["id"]}, to which it had said no')


def check_words(text):
    """A message for people: what was found, and what to do."""
    need(re.search(r'(?s)^.{10,}[.!?:]\s+.{10,}[.!?]$', text.strip()), 'words', f'not two sentences: {text!r}')
