import asyncio
import os

import tornado.httpserver
import tornado.netutil
import tornado.web
import tornado.websocket
from tornado.options import define, options

define("port", default=8888, help="run on the given port", type=int)


class MainHandler(tornado.web.RequestHandler):
    def get(self):
        self.write("Hello, world, version 1")


class EchoHandler(tornado.websocket.WebSocketHandler):
    def on_message(self, message):
        self.write_message(message)


def make_app():
    return tornado.web.Application([(r"/", MainHandler), (r"/echo", EchoHandler)])


async def main():
    tornado.options.parse_command_line()
    server = tornado.httpserver.HTTPServer(make_app(), xheaders=True)
    if "SOCKET" in os.environ:  # on the Pi
        server.add_socket(tornado.netutil.bind_unix_socket(os.environ["SOCKET"], mode=0o660))
    else:
        server.listen(options.port)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
