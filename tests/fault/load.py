# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client at each node that calls without a break and accounts for each call."""

import http.client
import threading
import time

from collet_harness import Mcp

PERIOD_S = 0.04


class Caller(threading.Thread):
    """Counts by one at a node. The answer is always one more than the last, whatever
    version gives it: one less is a call that was lost, one more a call that was made
    twice. A node may lose its count, and answers, only by its own death."""

    def __init__(self, node):
        super().__init__(daemon=True, name=f'calls of {node.name}')
        self.node = node
        self.calls = 0
        self.longest_s = 0.0
        self.last = None       # count; None: not known
        self.problems = []
        self.is_over = False
        self.is_paused = False

    def run(self):
        client, life = None, 0
        while not self.is_over:
            if self.node.is_dead or self.is_paused:
                client, self.last = None, None
                time.sleep(PERIOD_S)
                continue
            # It may have died and come back between two calls.
            if self.node.life != life:
                client, self.last, life = None, None, self.node.life
            begun = time.monotonic()
            try:
                client = client or Mcp(self.node.port, modern=True, timeout=20)
                self.check(client.value('count', {'by': 1})['count'])
            except (OSError, http.client.HTTPException, AssertionError, KeyError) as error:
                client, self.last = None, None
                # Whoever kills it says so before; a failpoint only dies.
                time.sleep(0.2)
                if self.node.life == life and not self.node.has_died() and not self.is_over:
                    self.problems.append(f'{self.node.name}: a call failed: {type(error).__name__} {error}')
                continue
            self.longest_s = max(self.longest_s, time.monotonic() - begun)
            time.sleep(PERIOD_S)

    def check(self, count):
        if self.last is not None and count != self.last + 1:
            self.problems.append(f'{self.node.name}: count {count} came after {self.last}')
        self.last = count
        self.calls += 1

    def take(self):
        """Number of calls since the last time, longest of them, problems."""
        taken = self.calls, self.longest_s, self.problems
        self.calls, self.longest_s, self.problems = 0, 0.0, []
        return taken
