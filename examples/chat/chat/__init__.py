"""A room in which all who are there see what is written: a page, and a websocket for each who has it open."""

from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import FileResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute

RELEASE = "1.0"

there = set()


async def page(request):
    return FileResponse(Path(__file__).with_name("room.html"))


async def healthz(request):
    return PlainTextResponse(f"release: {RELEASE}\nasked for: {request.url}\nby: {request.client.host}\n")


async def room(socket):
    await socket.accept()
    there.add(socket)
    try:
        async for text in socket.iter_text():
            for other in list(there):
                await other.send_text(text[:1000])
    finally:
        there.remove(socket)


app = Starlette(
    routes=[Route("/", page), Route("/healthz", healthz), WebSocketRoute("/room", room)],
)
