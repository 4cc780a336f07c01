#!/usr/bin/env python3
"""Opens the page of the sample Chat twice in headless Chromium, and talks to people there and at a terminal.

usage: chat_page.py PROGRAM [--picture FILE]

It needs Chromium, and the package websockets (15 or later), by which it drives the browser (DevTools protocol).
"""

import argparse
import atexit
import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

from websockets.sync.client import connect

LIMIT = 30  # Seconds after which whatever is awaited has failed.


def fail(reason):
    sys.exit(f"chat_page.py: {reason}")


def handles_interrupt(process):
    """Whether a process has got as far as to end in order after SIGINT."""
    with open(f"/proc/{process.pid}/status") as status:
        caught = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt"))
    return bool(caught >> (signal.SIGINT - 1) & 1)


class Chat:
    """The program."""

    def __init__(self, program, port=0, lines=0):
        self.process = subprocess.Popen(
            [program, "--port", str(port), "--lines", str(lines)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        page, lines = self.process.stdout.readline(), self.process.stdout.readline()
        if not page.startswith("page: ") or not lines.startswith("lines: "):
            fail(f"the program did not start: {page}{lines}{self.process.stderr.read()}")
        self.page = page.split()[1].replace("localhost", "127.0.0.1")
        self.port, self.lines = (int(line.strip("/\n").rsplit(":", 1)[1]) for line in (page, lines))
        while not handles_interrupt(self.process):
            os.sched_yield()

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        _, errors = self.process.communicate(timeout=LIMIT)
        # What was on its way to those who left may be a dead letter.
        if self.process.returncode != 0 or any("dead letter" not in line for line in errors.splitlines()):
            fail(f"the program ended with {self.process.returncode}: {errors}")


class Terminal:
    """Somebody with a terminal, by name."""

    def __init__(self, chat, name):
        self.socket = socket.create_connection(("127.0.0.1", chat.lines), timeout=LIMIT)
        self.file = self.socket.makefile("rw", newline="\n")
        self.say(name)
        self.wait_for(f"* You are {name}. Type /help to see what you can do.")

    def say(self, text):
        self.file.write(text + "\n")
        self.file.flush()

    def wait_for(self, wanted):
        while True:
            line = self.file.readline()
            if not line:
                fail(f"the terminal's connection ended before '{wanted}'")
            if line.rstrip("\n") == wanted:
                return


class Browser:
    def __init__(self):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not program:
            fail("Chromium is not installed")
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--disable-background-timer-throttling", "--disable-renderer-backgrounding", "--remote-debugging-port=0",
             f"--user-data-dir={self.folder.name}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        atexit.register(self.process.kill)
        for line in self.process.stderr:
            if line.startswith("DevTools listening on "):
                self.socket = connect(line.split()[-1], proxy=None, max_size=None).__enter__()
                break
        else:
            fail("Chromium did not start")
        self.count = 0

    def call(self, method, session=None, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv(timeout=2 * LIMIT))
            if answer.get("id") == self.count:
                if "error" in answer:
                    fail(f"{method}: {answer['error']}")
                return answer["result"]

    def stop(self):
        self.call("Browser.close")
        self.process.wait(timeout=LIMIT)
        self.folder.cleanup()


class Page:
    """One page in the browser."""

    def __init__(self, browser, url, width=1120, height=680, scheme="light"):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)
        self.call("Page.enable")
        self.call("Page.navigate", url=url)
        self.wait_for("document.readyState === 'complete' && typeof chat !== 'undefined'")

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def run(self, script):
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            fail(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, condition):
        """Waits until a condition of JavaScript is true."""
        isTrue = self.run(f"""new Promise(done => {{
            const end = Date.now() + {LIMIT * 1000};
            const look = () => {{
                let isTrue = false;
                try {{ isTrue = Boolean({condition}); }} catch (error) {{ }}
                if (isTrue || Date.now() > end) done(isTrue); else setTimeout(look, 10);
            }};
            look();
        }})""")
        if not isTrue:
            fail(f"this did not become true: {condition}\n{self.run('document.body.innerText')}")

    def texts(self, selector):
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(found => found.textContent)")

    def wait_for_texts(self, selector, wanted):
        self.wait_for(
            f"JSON.stringify([...document.querySelectorAll({json.dumps(selector)})].map(found => found.textContent)) === "
            f"JSON.stringify({json.dumps(wanted)})")

    def submit(self, form, text):
        """Types into a form, and sends it."""
        self.run(f"""(() => {{
            const form = document.querySelector({json.dumps(form)});
            form.querySelector("input").value = {json.dumps(text)};
            form.requestSubmit();
        }})()""")

    def is_connected(self):
        self.wait_for("document.getElementById('state').textContent === 'connected' && anyIn()")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))


def talk(chat, program, browser):
    terminal = Terminal(chat, "Terry")
    ann = Page(browser, chat.page + "?name=Ann")
    ann.is_connected()
    terminal.wait_for("* Ann has come to lobby.")

    # The second page has to ask for a name, and does not get one that is taken.
    bob = Page(browser, chat.page)
    bob.wait_for("document.getElementById('door').open")
    bob.submit("#door form", "ann")
    bob.wait_for("document.getElementById('refusal').textContent === 'The name ann is taken. Choose another one.'")
    bob.submit("#door form", "Bob")
    bob.is_connected()
    bob.wait_for("!document.getElementById('door').open")
    terminal.wait_for("* Bob has come to lobby.")
    ann.wait_for_texts(".person", ["AAnn (you)", "BBob", "TTerry"])
    print("two pages and a terminal see each other")

    # What is said is seen everywhere, as text and not as markup.
    ann.submit("#say", "<b>hello</b>")
    terminal.wait_for("[lobby] Ann: <b>hello</b>")
    terminal.say("hello, Ann")
    bob.submit("#say", "hi, you two")
    for page in (ann, bob):
        page.wait_for("document.querySelectorAll('.post').length === 3")
    if sorted(ann.texts(".post .text")) != sorted(["<b>hello</b>", "hello, Ann", "hi, you two"]):
        fail(f"Ann sees {ann.texts('.post .text')}")
    if ann.texts(".post .text") != bob.texts(".post .text") or ann.texts(".post.mine .text") != ["<b>hello</b>"]:
        fail(f"Ann and Bob see different things: {ann.texts('.post .text')}, {bob.texts('.post .text')}")
    print("what is said is seen on both pages and at the terminal")

    # A second room: it is offered to the others, and what is unread there is marked.
    bob.submit("#new", "Swift")
    bob.wait_for("chat.rooms.get('swift')?.isIn")
    ann.wait_for_texts("#others .room", ["swift"])
    ann.run("document.querySelector('#others .room button').click()")
    ann.wait_for("chat.rooms.get('swift')?.isIn")
    ann.run("[...document.querySelectorAll('#rooms .room button')].find(found => found.textContent === 'lobby').click()")
    bob.submit("#say", "in the other room")
    ann.wait_for_texts(".room.unread .count", ["1"])
    ann.wait_for("document.title.startsWith('(1) ')")
    ann.run("[...document.querySelectorAll('#rooms .room button')].find(found => found.textContent === 'swift').click()")
    ann.wait_for("document.querySelectorAll('.mark').length === 1 && !document.querySelector('.room.unread')")
    ann.run("[...document.querySelectorAll('#rooms .room button')].find(found => found.textContent === 'lobby').click()")
    print("what is said in another room is marked as unread")

    # A page whose connection breaks catches up, and sees nothing twice.
    ann.run("chat.delay = 1e9; chat.socket.close()")
    terminal.wait_for("* Ann has left lobby.")
    for number in range(3):
        terminal.say(f"meanwhile {number}")
        terminal.wait_for(f"[lobby] Terry: meanwhile {number}")
    ann.wait_for("document.getElementById('state').textContent === 'reconnecting'")
    ann.run("chat.delay = 500; connect()")
    ann.is_connected()
    ann.wait_for("document.querySelectorAll('.post').length === 6")
    if ann.texts(".post .text")[-3:] != [f"meanwhile {number}" for number in range(3)]:
        fail(f"after the break Ann sees {ann.texts('.post .text')}")
    print("a page that was away has caught up")

    # The program ends and is started again: both pages come back by themselves.
    terminal.socket.close()
    chat.process.kill()
    chat.process.wait()
    for page in (ann, bob):
        page.wait_for("document.getElementById('state').textContent === 'reconnecting'")
    again = Chat(program, chat.port, chat.lines)
    for page in (ann, bob):
        page.is_connected()
    bob.run("openRoom('lobby')")
    bob.wait_for("chat.rooms.get('lobby').isIn")
    ann.wait_for("chat.rooms.get('lobby').people.length === 2")
    bob.submit("#say", "we are back")
    for page in (ann, bob):
        page.wait_for("[...document.querySelectorAll('.post .text')].at(-1)?.textContent === 'we are back'")
    print("both pages have come back after the program was started again")
    again.stop()


def look(program, browser):
    """Every text stands out from what is behind it, in light and in dark (WCAG 2 wants a ratio of 4.5)."""
    chat = Chat(program)
    # Names of many hues.
    terminals = [Terminal(chat, f"guest-{number}") for number in range(12)]
    for terminal in terminals:
        terminal.say("hello")
    for scheme in ("light", "dark"):
        page = Page(browser, f"{chat.page}?name=Ann-{scheme}", scheme=scheme)
        page.is_connected()
        page.run("send({do: 'join', room: 'other', after: null})")
        page.wait_for("chat.rooms.get('other')?.isIn")
        page.run("openRoom('lobby')")
        page.submit("#say", "hello to you all")
        page.wait_for("document.querySelectorAll('.post.mine').length >= 1")
        page.run("openRoom('other')")
        terminals[0].say("unread")
        page.wait_for("document.querySelector('.room.unread .count')")
        page.run("openRoom('lobby'); notice('something is wrong'); askName('The name is taken.')")
        worst = page.run("""(() => {
            const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
            const luminance = color => {
                pixel.fillStyle = color;
                pixel.fillRect(0, 0, 1, 1);
                const [r, g, b] = [...pixel.getImageData(0, 0, 1, 1).data].map(value => value / 255)
                    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ratio = (one, other) => {
                const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
                return (high + 0.05) / (low + 0.05);
            };
            const behind = element => {
                const color = getComputedStyle(element).backgroundColor;
                return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
            };
            const found = [];
            for (const element of document.querySelectorAll("body *")) {
                if (!element.checkVisibility()) continue;
                const name = `${element.tagName} ${element.id} ${element.className}`;
                const look = part => found.push([ratio(getComputedStyle(element, part).color, behind(element)), name]);
                const texts = [...element.childNodes].filter(node => node.nodeType === Node.TEXT_NODE);
                if (texts.some(node => node.data.trim())) look();
                if (element.placeholder) look("::placeholder");
            }
            found.sort((a, b) => a[0] - b[0]);
            return [found.length, ...found[0]];
        })()""")
        if worst[0] < 40 or worst[1] < 4.5:
            fail(f"in {scheme} mode one of {worst[0]} texts has a contrast of {worst[1]:.2f}: {worst[2]}")
        page.run("chat.delay = 1e9; chat.socket.close()")
    # The program would wait for clients that do not close their side.
    for terminal in terminals:
        terminal.file.close()
        terminal.socket.close()
    chat.stop()
    print("every text can be read, in light and in dark")


def take_picture(program, browser, path):
    chat = Chat(program)
    people = {name: Terminal(chat, name) for name in ("Maya", "Jonas", "Omar")}

    def say(name, text, room="lobby"):
        people[name].say(text)
        people[name].wait_for(f"[{room}] {name}: {text}")

    for name in ("Jonas", "Omar"):
        people[name].say("/join release")
    Terminal.wait_for(people["Jonas"], "* Omar has come to release.")
    people["Maya"].say("/join music")
    people["Maya"].wait_for("* In music: Maya")
    for name in ("Jonas", "Omar"):
        people[name].say("/join lobby")
    people["Maya"].say("/join lobby")
    say("Maya", "Good morning! Who is here already?")
    say("Jonas", "Me, from a terminal: nc localhost 7777")
    page = Page(browser, chat.page + "?name=Ann")
    page.is_connected()
    page.run("send({do: 'join', room: 'release', after: null})")
    page.wait_for("chat.rooms.get('release')?.isIn")
    page.submit("#say", "And me, on the page. It is the same room, is it not?")
    page.wait_for("document.querySelectorAll('.post.mine').length === 1")
    say("Omar", "It is. A room is an actor, and so is each of us.")
    say("Omar", "None of them knows how the others are connected.")
    page.submit("#say", "What happens if somebody does not read?")
    page.wait_for("document.querySelectorAll('.post.mine').length === 2")
    say("Maya", "He is cut off when he is too far behind. Nobody waits for him.")
    people["Jonas"].say("/join release")
    people["Jonas"].wait_for("* In release: Ann, Jonas, Omar")
    say("Jonas", "The notes are ready", "release")
    say("Jonas", "Shall I send them round?", "release")
    page.wait_for("document.querySelector('.room.unread .count')?.textContent === '2'")
    page.picture(path)
    size = os.path.getsize(path)
    if size > 200_000:
        fail(f"the picture has {size} bytes")
    print(f"{path}: {size} bytes")
    chat.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--picture")
    options = parser.parse_args()
    browser = Browser()
    chat = Chat(options.program)
    with urllib.request.urlopen(chat.page, timeout=LIMIT) as answer:
        if answer.headers["Content-Type"] != "text/html; charset=utf-8" or b"<title>Chat</title>" not in answer.read():
            fail("the page is not what it should be")
    talk(chat, options.program, browser)
    look(options.program, browser)
    if options.picture:
        take_picture(options.program, browser, options.picture)
    browser.stop()


main()
