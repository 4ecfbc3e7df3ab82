"""The other side of the webhook measurement: a consumer, the bare loop that posts to it, and a worker's engine.

``python -m bench.consumer serve PORT`` answers 204 on ``/e/<n>`` and remembers what came when; ``/hole`` accepts and
never answers. ``post PORT FILE`` is the bare aiohttp loop: the same bytes and headers to the same places, nothing kept.
``deliver`` is what a Celery worker runs for deliveries, woken as often as Redis would.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiohttp import web

CONCURRENCY: Final = 200
WAKE_SECONDS: Final = 0.02


def serve(port: int) -> None:
    """Answer until killed. Moments are of the monotonic clock, which all processes of a machine share."""
    received: list[tuple[str, str, float]] = []

    async def take(request: web.Request) -> web.Response:
        await request.read()
        received.append((request.match_info["endpoint"], request.headers["webhook-id"], time.monotonic()))
        return web.Response(status=204)

    async def swallow(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(3600)
        return web.Response(status=204)

    async def tell(_: web.Request) -> web.Response:
        answer = web.json_response(received)
        received.clear()
        return answer

    app = web.Application()
    app.add_routes([web.post("/e/{endpoint}", take), web.post("/hole", swallow), web.post("/told", tell)])
    web.run_app(app, host="127.0.0.1", port=port, access_log=None, print=None)


async def post(port: int, waiting: list[dict[str, Any]]) -> None:
    """Post every message, so many at once; what an engine could do at best if it read and kept nothing."""

    async def work(session: aiohttp.ClientSession) -> None:
        while waiting:
            message = waiting.pop()
            url = f"http://127.0.0.1:{port}/e/{message['endpoint']}"
            async with session.post(url, data=message["body"].encode(), headers=message["headers"]) as response:
                await response.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(work(session) for _ in range(CONCURRENCY)))


def deliver() -> None:
    """Run the engine of a worker process until standard input ends."""
    import threading

    import django

    django.setup()
    from webhooks.tasks import delivery_engine

    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    engine = delivery_engine()
    while not ended.wait(WAKE_SECONDS):
        engine.wake()
    engine.stop()


if __name__ == "__main__":
    command, *words = sys.argv[1:]
    if command == "serve":
        serve(int(words[0]))
    elif command == "post":
        asyncio.run(post(int(words[0]), [json.loads(line) for line in Path(words[1]).read_text().splitlines()]))
    else:
        deliver()
