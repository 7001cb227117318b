"""Both kinds of connections against servers that behave in every way."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import socket
import ssl
import subprocess
import threading
import time

import pytest
from servers import Operator, RawServer, answer, read_head

import cortex
import cortex.aio
from cortex import _calling
from cortex.environments import Environment
from cortex.exceptions import CertificateRefused, ConfigError, ConnectionFailed, CortexBinaryException, CortexTimeout, OperatorError, UnexpectedAnswer


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(_calling, "PAUSES", (0.01, 0.01, 0.01))


def environment(url, **more):
    return Environment("test", url, "secret", **more)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_connection_is_used_again(twins):
    heads = []

    def serve(connection):
        while True:
            heads.append(read_head(connection)[0])
            answer(connection, b"[]")

    with RawServer(serve) as server:
        client = twins.client(environment(server.url))
        for _ in range(3):
            assert client.list_apis() == []
        assert server.connections == 1
        client.close()
        assert client.list_apis() == []
        assert server.connections == 2
        client.close()
    assert heads[0].startswith("GET /get HTTP/1.1\r\n")
    assert "\r\nAuthorization: Bearer secret\r\n" in heads[0] + "\r\n"
    assert f"\r\nCortexAPIVersion: {cortex.__version__}\r\n" in heads[0] + "\r\n"


def test_connection_that_the_server_closed_is_not_used(twins):
    def serve(connection):
        read_head(connection)
        answer(connection, b"[]")

    with RawServer(serve) as server:
        client = twins.client(environment(server.url))
        for _ in range(3):
            assert client.list_apis() == []
            time.sleep(0.02)
        assert server.connections == 3


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n[]", b"HTTP/1.1 200"])
def test_lost_connection_is_tried_again_when_only_asking(twins, cut):
    def serve(connection):
        read_head(connection)
        if server.connections < 3:
            connection.sendall(cut)
        else:
            answer(connection, b"[]")

    with RawServer(serve) as server:
        assert twins.client(environment(server.url)).list_apis() == []
        assert server.connections == 3


def test_lost_connection_is_not_tried_again_when_something_may_have_been_done(twins):
    def serve(connection):
        read_head(connection)

    with RawServer(serve) as server:
        with pytest.raises(ConnectionFailed, match="whether the request was done is not known") as caught:
            twins.client(environment(server.url)).delete("a")
        assert caught.value.sent
        assert server.connections == 1


def test_busy_is_tried_again_when_only_asking(twins):
    operator = Operator()
    operator.answers["GET /get"] = lambda _: (503, {"kind": "error", "message": "busy"}) if len(operator.requests) < 3 else []
    operator.answers["POST /refresh/a"] = (503, {"kind": "error", "message": "busy"})
    client = twins.client(environment(operator.url))
    assert client.list_apis() == []
    with pytest.raises(OperatorError, match="busy"):
        client.refresh("a")
    assert operator.asked() == ["GET /get"] * 3 + ["POST /refresh/a?force=false"]
    operator.close()


def test_nobody_listens(twins):
    port = free_port()
    client = twins.client(environment(f"http://127.0.0.1:{port}"))
    for act in (client.list_apis, lambda: client.delete("a")):
        with pytest.raises(ConnectionFailed) as caught:
            act()
        assert not caught.value.sent
        assert f"failed to connect to the operator of the test environment at http://127.0.0.1:{port}: " in str(caught.value)
        assert "cortex cluster up" in str(caught.value)


def test_operator_that_comes_late_is_found(twins, monkeypatch):
    monkeypatch.setattr(_calling, "PAUSES", (0.1, 0.4, 1.0))
    port = free_port()
    client = twins.client(environment(f"http://127.0.0.1:{port}"))
    servers = []

    def start():
        time.sleep(0.3)
        listener = socket.create_server(("127.0.0.1", port))
        connection, _ = listener.accept()
        read_head(connection)
        answer(connection, b'{"message": "deleting a"}')
        servers.extend([listener, connection])

    thread = threading.Thread(target=start)
    thread.start()
    # Nothing was sent before, so that this is safe for a delete, too.
    client.delete("a")
    thread.join()
    for each in servers:
        each.close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 64 + ".invalid", "ü" * 100])
def test_no_such_host(twins, host):
    with pytest.raises(ConnectionFailed, match="failed to connect"):
        twins.client(environment(f"http://{host}")).list_apis()


@pytest.mark.parametrize(
    "serve",
    [
        lambda connection: time.sleep(1),
        lambda connection: (read_head(connection), time.sleep(1)),
        lambda connection: (read_head(connection), connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n["), time.sleep(1)),
    ],
)
def test_operator_that_hangs(twins, serve):
    with RawServer(serve) as server:
        client = twins.client(environment(server.url), 0.3)
        begin = time.monotonic()
        with pytest.raises(CortexTimeout, match=r"did not answer within 0.3 s$"):
            client.list_apis()
        with pytest.raises(TimeoutError, match=r"did not answer within 0.3 s; the request may be done all the same"):
            client.delete("a")
        assert time.monotonic() - begin < 10


def test_no_timeout_at_all(twins):
    operator = Operator({"GET /get": [], "GET /streamlogs/a": "line"})
    client = twins.client(environment(operator.url), float("inf"))
    assert client.list_apis() == []
    assert list(client.logs("a")) == list(client.logs("a", timeout=float("inf"))) == ["line"]
    operator.close()


def test_operator_that_drips(twins):
    def serve(connection):
        read_head(connection)
        for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b" " * 1000:
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    with RawServer(serve) as server:
        begin = time.monotonic()
        with pytest.raises(CortexTimeout):
            twins.client(environment(server.url), 0.4).list_apis()
        assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    "status, body, words",
    [
        ("200 OK", b"<html>", "something else than JSON"),
        ("200 OK", b"", "something else than JSON"),
        ("200 OK", b"[" * 100_000, "something else than JSON"),
        ("200 OK", b"\xff", "something else than JSON"),
        ("200 OK", b"{}", "something else than expected"),
        ("200 OK", b"[1]", "something else than expected"),
        ("404 Not Found", b"404 page not found\n", r"unexpected response from http://127.0.0.1:\d+ \(status code 404\); is that address"),
        ("500 Oops", b'{"error": 1}', "status code 500"),
        ("302 Found", b"", "status code 302"),
    ],
)
def test_something_else_answers(twins, status, body, words):
    def serve(connection):
        read_head(connection)
        answer(connection, body, status)

    with RawServer(serve) as server:
        with pytest.raises(UnexpectedAnswer, match=words) as caught:
            twins.client(environment(server.url)).list_apis()
        assert caught.value.status == int(status[:3])


def test_something_that_is_no_web_server(twins):
    def serve(connection):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n")
        connection.recv(65536)

    with RawServer(serve) as server:
        with pytest.raises(ConnectionFailed, match="no status line|nobody had asked"):
            twins.client(environment(server.url)).delete("a")


def test_answer_in_the_middle_of_an_upload(twins):
    """The words of a server that refuses an upload half way are not lost."""
    sent = []

    def items():
        for number in range(1_000_000):
            sent.append(number)
            yield "x" * 10_000

    def serve(connection):
        head, _ = read_head(connection)
        if head.startswith("GET"):
            answer(connection, b'[{"metadata": {"kind": "BatchAPI", "name": "a"}}]')
            head, _ = read_head(connection)
        assert "Transfer-Encoding: chunked" in head
        answer(connection, b'{"kind": "error", "message": "too many items"}', "400 Bad Request", "Connection: close\r\n")
        # As a web server does: it goes on reading for a moment, and then closes with data unread.
        for _ in range(20):
            connection.recv(65536)

    with RawServer(serve) as server:
        with pytest.raises(OperatorError, match="^too many items$"):
            twins.client(environment(server.url)).jobs("a").submit_items(items())
    assert len(sent) < 500_000


def test_upload_whose_source_fails_is_broken_off(twins):
    ended = threading.Event()

    def items():
        yield 1
        raise FileNotFoundError("no such file")

    def serve(connection):
        read_head(connection)
        data = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            data += piece
        assert b"0\r\n\r\n" not in data
        ended.set()

    with RawServer(serve) as server:
        with pytest.raises(FileNotFoundError):
            twins.client(environment(server.url)).jobs("a", "BatchAPI").submit_items(items())
        assert ended.wait(5)


def test_large_answer(twins):
    body = b'[{"metadata": {"name": "' + b"n" * 20_000_000 + b'"}}]'

    def serve(connection):
        while True:
            read_head(connection)
            answer(connection, body)

    with RawServer(serve) as server:
        client = twins.client(environment(server.url))
        for _ in range(2):
            assert len(client.list_apis()[0].name) == 20_000_000
        assert server.connections == 1
        client.close()


def test_answer_that_is_too_large(twins, monkeypatch):
    from cortex import _blocking, _looped

    monkeypatch.setattr(_blocking, "MAX_ANSWER", 1000)
    monkeypatch.setattr(_looped, "MAX_ANSWER", 1000)

    def serve(connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 1000)

    with RawServer(serve) as server:
        with pytest.raises(UnexpectedAnswer, match="has more than"):
            twins.client(environment(server.url)).list_apis()


def test_two_clients_at_once(twins):
    """Threads share a client, and so do tasks; answers are not mixed up."""
    operator = Operator()
    for number in range(20):
        operator.answers[f"GET /get/api-{number}"] = [{"metadata": {"name": f"api-{number}", "kind": "TaskAPI", "id": ""}}]
    env = environment(operator.url)
    if twins.kind == "blocking":
        with cortex.Client(env) as one, cortex.Client(env) as two:
            names = []

            def ask(client, number):
                for _ in range(5):
                    names.append((number, client.get_api(f"api-{number}").name))

            threads = [threading.Thread(target=ask, args=(client, number)) for number in range(20) for client in (one, two)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    else:

        async def main():
            async with cortex.aio.Client(env, connections=3) as one, cortex.aio.Client(env) as two:
                answers = await asyncio.gather(*(client.get_api(f"api-{number}") for number in list(range(20)) * 5 for client in (one, two)))
                return list(zip((number for number in list(range(20)) * 5 for _ in range(2)), (each.name for each in answers)))

        names = asyncio.run(main())
    assert len(names) == 200
    assert all(name == f"api-{number}" for number, name in names)
    operator.close()


def test_cancelled_task_closes_its_connection_and_leaves_the_others_alone():
    gone = threading.Event()

    def serve(connection):
        head, _ = read_head(connection)
        if "/get/slow" in head:
            assert connection.recv(1) == b""
            gone.set()
        else:
            answer(connection, b'[{"metadata": {"name": "quick", "kind": "TaskAPI"}}]')

    async def main(url):
        async with cortex.aio.Client(environment(url), connections=1) as client:
            slow = asyncio.ensure_future(client.get_api("slow"))
            await asyncio.sleep(0.1)
            waiting = [asyncio.ensure_future(client.get_api("quick")) for _ in range(5)]
            await asyncio.sleep(0.05)
            waiting[0].cancel()
            slow.cancel()
            with pytest.raises(asyncio.CancelledError):
                await slow
            with pytest.raises(asyncio.CancelledError):
                await waiting[0]
            for other in waiting[1:]:
                assert (await asyncio.wait_for(other, 5)).name == "quick"

    with RawServer(serve) as server:
        asyncio.run(main(server.url))
        assert gone.wait(5)


def test_cancelled_in_the_moment_of_its_turn():
    """A slot that is handed to a task which is cancelled in that moment goes to the next one."""

    async def main(url):
        async with cortex.aio.Client(environment(url), connections=1) as client:
            for _ in range(30):
                tasks = [asyncio.ensure_future(client.list_apis()) for _ in range(4)]
                await tasks[0]
                tasks[1].cancel()
                assert await asyncio.wait_for(tasks[2], 5) == []
                assert await asyncio.wait_for(tasks[3], 5) == []
                await asyncio.gather(*tasks, return_exceptions=True)

    def serve(connection):
        while True:
            read_head(connection)
            answer(connection, b"[]")

    with RawServer(serve) as server:
        asyncio.run(main(server.url))


def test_client_of_one_loop_works_in_another():
    def serve(connection):
        while True:
            read_head(connection)
            answer(connection, b"[]")

    with RawServer(serve) as server:
        client = cortex.aio.Client(environment(server.url))
        for _ in range(2):

            async def main():
                assert await client.list_apis() == []
                await client.close()

            asyncio.run(main())


def _ask_in_child(client, results):
    results.put([api.name for api in client.list_apis()])


def test_forked_process_has_connections_of_its_own():
    def serve(connection):
        while True:
            read_head(connection)
            answer(connection, b'[{"metadata": {"name": "n%d"}}]' % server.connections)

    with RawServer(serve) as server:
        client = cortex.Client(environment(server.url))
        assert client.list_apis()[0].name == "n1"
        context = multiprocessing.get_context("fork")
        results = context.Queue()
        process = context.Process(target=_ask_in_child, args=(client, results))
        process.start()
        assert results.get(timeout=10) == ["n2"]
        process.join()
        assert client.list_apis() and server.connections == 2
        client.close()


def test_client_that_nobody_closes_leaves_nothing_open():
    def serve(connection):
        while True:
            read_head(connection)
            answer(connection, b"[]")

    with RawServer(serve) as server:
        client = cortex.Client(environment(server.url))
        client.list_apis()
        del client
        # An open socket that is collected is a warning, and warnings are errors here.
        gc.collect()


# Certificates.


def make_certificate(folder, name, subject, names, issuer=None, days=2):
    run = lambda *args: subprocess.run(args, check=True, capture_output=True, cwd=folder)  # noqa: E731
    if issuer is None:
        more = ["-addext", f"subjectAltName={names}"] if names else []
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", str(days), "-subj", f"/CN={subject}", *more)
    else:
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}")
        (folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        run("openssl", "x509", "-req", "-in", f"{name}.csr", "-CA", f"{issuer}.pem", "-CAkey", f"{issuer}.key", "-CAcreateserial", "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    make_certificate(folder, "own", "localhost", "IP:127.0.0.1")
    make_certificate(folder, "odd", "elsewhere", "DNS:elsewhere.example.com")
    make_certificate(folder, "authority", "authority", "")
    make_certificate(folder, "issued", "issued", "IP:127.0.0.1", "authority")
    make_certificate(folder, "stray", "stray", "DNS:elsewhere.example.com", "authority")
    return folder


def tls_server(folder, name):
    heads = []

    def serve(connection):
        while True:
            heads.append(read_head(connection)[0])
            answer(connection, b"[]")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    server = RawServer(serve, context)
    return server, heads


@pytest.mark.parametrize("shown, pinned", [("own", "own"), ("odd", "odd"), ("issued", "authority"), ("issued", "issued"), ("stray", "stray")])
def test_pinned_certificate_is_trusted(twins, certificates, shown, pinned):
    server, heads = tls_server(certificates, shown)
    with server:
        client = twins.client(environment(server.url, certificate=(certificates / f"{pinned}.pem").read_text()))
        assert client.list_apis() == []
        assert client.list_apis() == []
        assert len(heads) == 2
        client.close()


def test_pinned_certificate_is_trusted_by_many_at_once(twins, certificates):
    """The first handshakes all end with the same error, and all are made again by the other rules."""
    server, heads = tls_server(certificates, "odd")
    env = environment(server.url, certificate=(certificates / "odd.pem").read_text())
    answers = []
    with server:
        if twins.kind == "asyncio":

            async def main():
                async with cortex.aio.Client(env) as client:
                    answers.extend(await asyncio.gather(*(client.list_apis() for _ in range(8))))

            asyncio.run(main())
        else:
            client = cortex.Client(env)
            threads = [threading.Thread(target=lambda: answers.append(client.list_apis())) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            client.close()
    assert answers == [[]] * 8


@pytest.mark.parametrize("shown, pinned", [("own", "odd"), ("odd", "own"), ("issued", "own"), ("stray", "authority"), ("own", "authority"), ("authority", "issued")])
def test_other_certificate_is_refused_before_anything_is_sent(twins, certificates, shown, pinned):
    server, heads = tls_server(certificates, shown)
    with server:
        client = twins.client(environment(server.url, certificate=(certificates / f"{pinned}.pem").read_text()))
        for _ in range(2):
            with pytest.raises(CertificateRefused) as caught:
                client.list_apis()
        assert not caught.value.sent
        text = str(caught.value)
        assert "nothing was sent to it" in text
        fingerprint = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", certificates / f"{shown}.pem"], check=True, capture_output=True, text=True).stdout
        assert fingerprint.split("=")[1].strip() in text
        assert "cortex env configure test --certificate FILE" in text
    assert heads == []


def test_certificate_that_the_machine_does_not_trust(twins, certificates):
    server, heads = tls_server(certificates, "own")
    with server:
        with pytest.raises(CertificateRefused, match="is not trusted by this machine: self.signed certificate"):
            twins.client(environment(server.url)).list_apis()
    assert heads == []


def test_certificate_that_the_machine_trusts(twins, certificates, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates / "authority.pem"))
    server, heads = tls_server(certificates, "issued")
    with server:
        client = twins.client(environment(server.url))
        assert client.list_apis() == []
        client.close()


def test_insecure_takes_any_certificate(twins, certificates):
    server, heads = tls_server(certificates, "odd")
    with server:
        client = twins.client(environment(server.url, insecure=True))
        assert client.list_apis() == []
        client.close()


def test_plain_server_behind_https(twins):
    with RawServer(lambda connection: answer(connection)) as server:
        with pytest.raises(ConnectionFailed, match="failed to connect"):
            twins.client(environment(server.url.replace("http:", "https:"))).list_apis()


def test_certificate_that_is_none(twins):
    client = twins.client(environment("https://127.0.0.1:1", certificate="nonsense"))
    with pytest.raises(ConfigError, match="certificate of the test environment can't be read"):
        client.list_apis()


def test_certificate_file_of_new_client(twins, certificates, config):
    key_too = certificates / "both.pem"
    key_too.write_text((certificates / "own.key").read_text() + (certificates / "own.pem").read_text())
    server, heads = tls_server(certificates, "own")
    with server:
        with pytest.raises(CertificateRefused):
            twins.new("prod", server.url, token="secret")
        assert cortex.env_list()["environments"] == []
        client = twins.new("prod", server.url, token=None, certificate=str(key_too), check=False)
        assert client.list_apis() == []
        text = (config / "cli.yaml").read_text()
        assert "PRIVATE KEY" not in text and "BEGIN CERTIFICATE" in text
        again = twins.named("prod")
        assert again.list_apis() == []
        client.close()
        again.close()
    with pytest.raises(CortexBinaryException, match="can't be read"):
        twins.new("prod", server.url, certificate="/no/such/file")


