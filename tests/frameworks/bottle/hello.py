import bottle
from bottle import route, run, template


@route("/")
@route("/hello/<name>")
def greet(name="Stranger"):
    return template("Hello {{name}}, version 1", name=name)


application = bottle.default_app()

if __name__ == "__main__":
    run(host="localhost", port=8080, debug=True)
