# Written by 'debonair init'. You can edit it. Bottle loads hello.py, and ignores its run().
import bottle

application = bottle.load_app("hello")
