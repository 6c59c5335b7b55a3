# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person does with the app, by AT-SPI: find by role and name, press, type,
click. For GTK 4.8 and newer."""

import subprocess
import time

import gi

gi.require_version('Atspi', '2.0')
import pyatspi  # noqa: E402


def normal(name):
    """GTK 4.8 names a button with a mnemonic '_Reload Reload'."""
    words = name.replace('_', '').split(' ')
    half = len(words) // 2
    return ' '.join(words[:half]) if len(words) % 2 == 0 and words[:half] == words[half:] else ' '.join(words)


# Newer versions say some roles in other words.
ROLES = {'button': 'push button', 'toggle button': 'push button', 'entry': 'text', 'search box': 'text',
         'editable text': 'text', 'row': 'table row', 'switch': 'check box'}


def role_of(node):
    role = node.getRoleName()
    return ROLES.get(role, role)


def app(name, timeout=20):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        for found in pyatspi.Registry.getDesktop(0):
            if found and found.name == name:
                return found
        time.sleep(0.05)
    raise AssertionError(f'no application {name}')


def walk(root):
    """Everything below, the root first; what vanishes on the way is left out."""
    stack = [root]
    while stack:
        node = stack.pop()
        if node is None:
            continue
        yield node
        try:
            stack += reversed([node.getChildAtIndex(i) for i in range(node.childCount)])
        except Exception:  # it is gone
            continue


def is_shown(node):
    try:
        extents = node.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
        return extents.width > 0 and extents.height > 0
    except Exception:
        return False


def look(root, role=None, name=None, holds=None):
    for node in walk(root):
        try:
            if role is not None and role_of(node) != role:
                continue
            if name is not None and normal(node.name) != name:
                continue
            if holds is not None and holds not in node.name:
                continue
            if is_shown(node):
                return node
        except Exception:
            continue
    return None


def find(root, role=None, name=None, holds=None, timeout=10):
    end = time.monotonic() + timeout
    while True:
        node = look(root, role, name, holds)
        if node is not None:
            return node
        if time.monotonic() > end:
            raise AssertionError(f'not found: {role} {name or holds!r}; there is:\n{tree(root)}')
        time.sleep(0.05)


def gone(root, role=None, name=None, holds=None, timeout=10):
    end = time.monotonic() + timeout
    while look(root, role, name, holds) is not None:
        if time.monotonic() > end:
            raise AssertionError(f'still there: {role} {name or holds!r}')
        time.sleep(0.05)


def tree(root, limit=300):
    lines = []
    for node in walk(root):
        try:
            if node.name and is_shown(node):
                lines.append(f'  {node.getRoleName()} {node.name!r}')
        except Exception:
            continue
        if len(lines) == limit:
            break
    return '\n'.join(lines)


def press(node):
    action = node.queryAction()
    for i in range(action.nActions):
        if action.getName(i) in ('click', 'toggle', 'activate'):
            return action.doAction(i)
    raise AssertionError(f'no press action on {node.getRoleName()} {node.name!r}')


def run(window, name):
    """An action of the window, as 'win.refresh'."""
    action = window.queryAction()
    names = [action.getName(i) for i in range(action.nActions)]
    return action.doAction(names.index(name))


def text(node):
    content = node.queryText()
    return content.getText(0, content.characterCount)


def set_text(node, value):
    return node.queryEditableText().setTextContents(value)


def is_sensitive(node):
    return node.getState().contains(pyatspi.STATE_SENSITIVE)


def origin(title):
    """Where the window with that title is on the screen."""
    command = ['xdotool', 'search', '--onlyvisible', '--name', f'^{title}$', 'getwindowgeometry', '--shell', '%@']
    end = time.monotonic() + 5
    # A window that is just closing makes it fail.
    while True:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 or time.monotonic() > end:
            break
        time.sleep(0.1)
    listed = done.stdout
    windows, window = [], {}
    for line in listed.split():
        name, _, value = line.partition('=')
        if name == 'WINDOW':
            window = {}
            windows.append(window)
        window[name] = value
    biggest = max(windows, key=lambda window: int(window['WIDTH']) * int(window['HEIGHT']))
    return int(biggest['X']), int(biggest['Y'])


def click(node, title):
    """With the pointer: rows of lists have no action."""
    x, y = origin(title)
    extents = node.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    subprocess.run(['xdotool', 'mousemove', str(x + extents.x + min(extents.width // 2, 200)),
                    str(y + extents.y + extents.height // 2), 'click', '1'], check=True)


def hover(node, title):
    x, y = origin(title)
    extents = node.queryComponent().getExtents(pyatspi.WINDOW_COORDS)
    for step in (0, 3):  # a tooltip comes to a pointer that moves
        subprocess.run(['xdotool', 'mousemove', str(x + extents.x + extents.width // 2 + step),
                        str(y + extents.y + extents.height // 2)], check=True)
        time.sleep(0.2)


def scroll_down(title, times=15):
    x, y = origin(title)
    subprocess.run(['xdotool', 'mousemove', str(x + 200), str(y + 300), 'click', '--repeat', str(times), '5'], check=True)
    time.sleep(0.3)


def key(*keys):
    subprocess.run(['xdotool', 'key', *keys], check=True)


def shot(path):
    """The whole screen, without a tooltip."""
    subprocess.run(['xdotool', 'mousemove', '0', '0'], check=True)
    time.sleep(0.3)
    subprocess.run(['import', '-window', 'root', path], check=True)
