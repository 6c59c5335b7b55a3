# SPDX-License-Identifier: LGPL-2.1-or-later
"""All that is written to a cluster's store, with the time at which it was told."""

import base64
import http.client
import json
import threading
import time


class Write:
    """One key of one transaction. kind: the key's first part below the cluster's prefix."""

    def __init__(self, at, event):
        self.at = at
        self.is_delete = event.get('type') == 'DELETE'
        self.revision = int(event['kv']['mod_revision'])
        self.parts = base64.b64decode(event['kv']['key']).decode().split('/')[4:]
        self.kind = self.parts[0] if self.parts[0] != 'tx' else self.parts[2]
        self.size = len(event['kv']['key']) + len(event['kv'].get('value', ''))
        self.value = base64.b64decode(event['kv'].get('value', '')).decode()


class Observer:
    """Watches an etcd; time.time() is when the line came, before it is looked at."""

    def __init__(self, port):
        self.lines = []
        self.connection = http.client.HTTPConnection('127.0.0.1', port)
        zero = base64.b64encode(b'\0').decode()
        self.connection.request('POST', '/v3/watch',
                                json.dumps({'create_request': {'key': zero, 'range_end': zero}}))
        self.response = self.connection.getresponse()
        self.response.readline()  # that it was created
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        try:
            while line := self.response.readline():
                self.lines.append((time.time(), line))
        except (OSError, ValueError, http.client.HTTPException):
            pass

    def writes(self, since=0):
        """Those told from line `since` on; len(self.lines) is the next one."""
        return [Write(at, event) for at, line in self.lines[since:]
                for event in json.loads(line)['result'].get('events', [])]

    def close(self):
        self.connection.sock.shutdown(2)
        self.thread.join()
        self.connection.close()
