# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signatures travel with the bytes; each node judges them by its own keys."""

import os
import shutil
import subprocess
import unittest

from collet_cluster import HAS_ETCD, ClusterTestCase
from collet_harness import module, variants, wait_until

COLLETCTL = os.environ.get('COLLETCTL', 'colletctl')


@unittest.skipUnless(HAS_ETCD, 'etcd is not installed')
class ClusterTrust(ClusterTestCase):
    def setUp(self):
        super().setUp()
        self.keys = os.path.join(self.folder, 'keys')
        os.mkdir(self.keys, 0o755)
        self.ada = self.key('ada')

    def key(self, name, trusted=True):
        secret = os.path.join(self.folder, name)
        subprocess.run([COLLETCTL, 'key', secret], check=True, capture_output=True, timeout=60)
        if trusted:
            shutil.copy(secret + '.pub', os.path.join(self.keys, name + '.pub'))
        return secret

    def signed(self, name, key=None):
        path = shutil.copy(module(name), self.folder)
        subprocess.run([COLLETCTL, 'sign', path, '--key', key or self.ada], check=True, capture_output=True, timeout=60)
        return path

    def strict(self, name):
        return self.node(name, '--trust', 'signed', '--keys', self.keys)

    def signers(self, nodes):
        return {node.info('counter')['Signer'].partition(' ')[0] for node in nodes}

    def test_three_nodes_that_want_signatures_get_them_from_each_other(self):
        nodes = [self.strict(f'n{i + 1}') for i in range(3)]
        nodes[0].load(self.signed('counter-1.0.0'))
        self.found(nodes[0])
        for node in nodes[1:]:
            self.join(node, nodes[0])
        self.wait_in_line(nodes, epoch=1)
        nodes[1].wait(self.propose(nodes[1], self.signed('counter-2.0.0')))
        version = self.wait_in_line(nodes, epoch=2)
        self.assertEqual(self.signers(nodes), {'ada'})
        # What came from another node goes on from here: a fourth one gets it from any of them.
        n4 = self.strict('n4')
        nodes[1].stop()
        self.join(n4, nodes[0])
        self.wait_in_line([nodes[0], nodes[2], n4], epoch=2)
        self.assertEqual(self.signers([n4]), {'ada'})
        # Back to what nobody has as a file, also after a restart.
        nodes[2].restart()
        nodes[0].wait(nodes[0].call('ClusterRollback', '(ssa{sv})', 'counter', '', variants({'strategy': 'quorum'})))
        self.assertNotEqual(self.wait_in_line([nodes[0], nodes[2], n4], epoch=3), version)

    def test_what_is_not_signed_is_refused_by_name(self):
        nodes = [self.node('n1'), self.strict('n2')]
        nodes[0].load(self.signed('counter-1.0.0'))
        self.found(nodes[0])
        self.join(nodes[1], nodes[0])
        # n1 has no keys and kept the signature all the same.
        self.wait_in_line(nodes, epoch=1)
        self.assertEqual((self.signers(nodes[:1]), self.signers(nodes[1:])), ({''}, {'ada'}))
        error = self.assertBusError('NodeFailed', nodes[0].wait, self.propose(nodes[0], module('counter-2.0.0')))
        self.assertIn('n2 refused: NotTrusted: ', error.message)
        self.assertIn('It is not signed', error.message)
        # By a key that n2 does not know.
        stranger = self.key('stranger', trusted=False)
        path = self.signed('counter-2.0.0', stranger)
        error = self.assertBusError('NodeFailed', nodes[0].wait, self.propose(nodes[0], path))
        self.assertIn('which is not one of the trusted keys', error.message)
        # Signed anew by one that it does: the same bytes, another signature.
        nodes[0].wait(self.propose(nodes[0], self.signed('counter-2.0.0')))
        self.wait_in_line(nodes, epoch=2)
        self.assertEqual(self.signers(nodes[1:]), {'ada'})

    def test_a_signature_of_other_bytes_helps_nobody(self):
        nodes = [self.node('n1'), self.strict('n2')]
        nodes[0].load(self.signed('counter-1.0.0'))
        self.found(nodes[0])
        self.join(nodes[1], nodes[0])
        self.wait_in_line(nodes, epoch=1)
        path = self.signed('counter-2.0.0')
        shutil.copy(os.path.join(self.folder, 'counter-1.0.0.so.minisig'), path + '.minisig')
        error = self.assertBusError('NodeFailed', nodes[0].wait, self.propose(nodes[0], path))
        self.assertIn('n2 refused: NotTrusted: ', error.message)
        self.assertEqual(len({node.version('counter') for node in nodes}), 1)

    def test_the_signature_leaves_with_its_version(self):
        n1 = self.node('n1')
        n1.load(self.signed('counter-1.0.0'))
        version = n1.version('counter')
        kept = os.path.join(n1.data, 'artifacts', version + '.so.minisig')
        self.assertTrue(os.path.exists(kept))
        self.assertEqual(os.stat(kept).st_mode & 0o777, 0o444)
        n1.reload('counter', module('counter-2.0.0'))
        n1.stop()
        with open(kept, encoding='utf-8') as file:
            self.assertIn('untrusted comment:', file.read())
        # Of what the store does not know nothing stays.
        stray = os.path.join(n1.data, 'artifacts', 'a' * 64 + '.so')
        for name in (stray, stray + '.minisig'):
            shutil.copy(kept, name)
        n1.start()
        wait_until(lambda: not os.path.exists(stray), what='the stray bytes to be gone')
        self.assertFalse(os.path.exists(stray + '.minisig'))
        self.assertTrue(os.path.exists(kept))


if __name__ == '__main__':
    unittest.main()
