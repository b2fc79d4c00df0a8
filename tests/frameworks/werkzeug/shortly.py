import os

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.middleware.shared_data import SharedDataMiddleware
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response


class Shortly:
    def __init__(self, config):
        self.links = config["links"]
        self.url_map = Map([Rule("/", endpoint="index"), Rule("/<short_id>", endpoint="follow")])

    def on_index(self, request):
        return Response("Shortly, version 1", mimetype="text/plain")

    def on_follow(self, request, short_id):
        if short_id not in self.links:
            raise NotFound()
        return redirect(self.links[short_id])

    def dispatch_request(self, request):
        adapter = self.url_map.bind_to_environ(request.environ)
        try:
            endpoint, values = adapter.match()
            return getattr(self, f"on_{endpoint}")(request, **values)
        except HTTPException as e:
            return e

    def wsgi_app(self, environ, start_response):
        request = Request(environ)
        response = self.dispatch_request(request)
        return response(environ, start_response)

    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)


def create_app(with_static=True):
    app = Shortly({"links": {"debian": "https://www.debian.org/"}})
    if with_static:
        app.wsgi_app = SharedDataMiddleware(
            app.wsgi_app, {"/static": os.path.join(os.path.dirname(__file__), "static")}
        )
    return app


if __name__ == "__main__":
    from werkzeug.serving import run_simple

    run_simple("127.0.0.1", 5000, create_app(), use_debugger=True, use_reloader=True)
