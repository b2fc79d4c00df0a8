# Written by 'debonair init'. You can edit it. uWSGI serves app.py, and its run() does nothing here.
from importlib import import_module

import flask

flask.Flask.run = lambda *args, **options: None
application = import_module("app").app
