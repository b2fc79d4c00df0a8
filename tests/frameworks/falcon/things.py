from wsgiref.simple_server import make_server

import falcon


class ThingsResource:
    def on_get(self, req, resp):
        """Handles GET requests"""
        resp.status = falcon.HTTP_200
        resp.content_type = falcon.MEDIA_TEXT
        resp.text = "Two things awe me most, version 1"


app = falcon.App()
app.add_route("/", ThingsResource())

if __name__ == "__main__":
    with make_server("", 8000, app) as httpd:
        httpd.serve_forever()
