"""visits"""

import sqlalchemy as sa
from alembic import op

revision = "3d5a"
down_revision = None


def upgrade():
    op.create_table("visit", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade():
    op.drop_table("visit")
