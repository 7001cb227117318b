"""An open-loop client: requests begin at their times, whether earlier ones were answered or not."""
import asyncio
import time


class Load:
    """POSTs to one URL, each with an id of its own, and remembers how each of them ended."""

    def __init__(self, port, path, rate):
        self.port, self.path, self.rate = port, path, rate
        self.idle = []
        self.failed = {}  # id -> (when, what happened)
        self.latencies = []
        self.sent = 0
        self.open = 0
        self.most_open = 0

    async def run(self, count, stop=lambda: False):
        """Sends so many requests, or fewer when told to stop, and waits for all of their answers."""
        began = time.monotonic()
        tasks = set()
        while self.sent < count and not stop():
            due = began + self.sent / self.rate
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
                continue
            task = asyncio.create_task(self.one(str(self.sent)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            self.sent += 1
        if tasks:
            await asyncio.wait(tasks, timeout=120)
        for connection in self.idle:
            connection[1].close()

    async def one(self, name):
        began = time.monotonic()
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            status = await asyncio.wait_for(self.exchange(name), 120)
            if status == 200:
                self.latencies.append(time.monotonic() - began)
            else:
                self.failed[name] = (time.time(), f"status {status}")
        except Exception as error:
            self.failed[name] = (time.time(), f"{type(error).__name__}: {error}")
        finally:
            self.open -= 1

    async def exchange(self, name):
        # A connection that the server has closed meanwhile is no failure of the request: it was never sent.
        while self.idle and self.idle[-1][0].at_eof():
            self.idle.pop()[1].close()
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"POST {self.path} HTTP/1.1\r\nHost: bench\r\nX-Id: {name}\r\nContent-Length: 2\r\n\r\n{{}}".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            status = int(head.split(" ", 2)[1])
            length = next((int(line.split(":")[1]) for line in head.split("\r\n") if line.startswith("content-length:")), None)
            if length is None:
                writer.close()  # the end of the connection ends it
                return status
            await reader.readexactly(length)
        except BaseException:
            writer.close()
            raise
        if "connection: close" in head:
            writer.close()
        else:
            self.idle.append((reader, writer))
        return status
