from flask_script import Command, Manager, Server

from app import app


class Version(Command):
    """Say which version this is."""

    def run(self):
        print("version 1, by its manage.py")


manager = Manager(app)
manager.add_command("runserver", Server(host="0.0.0.0", port=5000))
manager.add_command("version", Version())

if __name__ == "__main__":
    manager.run()
