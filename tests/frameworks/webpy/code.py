import web

urls = ("/(.*)", "hello")
app = web.application(urls, globals())


class hello:
    def GET(self, name):
        return "Hello, " + (name or "World") + ", version 1!"


application = app.wsgifunc()

if __name__ == "__main__":
    app.run()
