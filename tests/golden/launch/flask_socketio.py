# Written by 'debonair init'. You can edit it. It names the app of app.py, whose run() does nothing here.
from importlib import import_module

import flask_socketio

flask_socketio.SocketIO.run = lambda *args, **options: None
application = import_module("app").app
