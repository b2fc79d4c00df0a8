from app import db


class Visit(db.Model):
    id = db.Column(db.Integer, primary_key=True)
