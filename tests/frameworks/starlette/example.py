from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route


async def homepage(request):
    return PlainTextResponse(f"Starlette, version 1, at {request.url}")


app = Starlette(routes=[Route("/", homepage)])
