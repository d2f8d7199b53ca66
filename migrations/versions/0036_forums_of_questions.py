"""A question's forum is checked once for each statement, no longer once for each row.

An import stores thousands of questions of one forum with one statement: the foreign keys took a
fifth of its time. A trigger locks the forum against deletion as the foreign key did, and another
one deletes the questions of a forum that is deleted. Models are not deleted while a question
names them.
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_KEYS = {
    "fk_questions_forum_id_forums": ("forum_id", "forums", "CASCADE"),
    "fk_questions_bi_encoder_id_models": ("bi_encoder_id", "models", None),
    "fk_questions_reranker_id_models": ("reranker_id", "models", None),
}
_FUNCTIONS = (
    """
CREATE FUNCTION hold_forums_of_questions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    one bigint;
BEGIN
    FOR one IN SELECT DISTINCT forum_id FROM new ORDER BY forum_id LOOP
        PERFORM FROM forums WHERE id = one FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE foreign_key_violation
                USING MESSAGE = format('questions of forum %s: there is no such forum', one);
        END IF;
    END LOOP;
    RETURN NULL;
END $$
""",
    """
CREATE FUNCTION delete_questions_of_forum() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM questions WHERE forum_id = OLD.id;
    RETURN OLD;
END $$
""",
    """
CREATE FUNCTION keep_models_of_questions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM questions WHERE OLD.id IN (bi_encoder_id, reranker_id)) THEN
        RAISE foreign_key_violation
            USING MESSAGE = format('model %s is named by questions', OLD.id);
    END IF;
    RETURN OLD;
END $$
""",
)
_TRIGGERS = {
    ("forum_held", "questions"): "AFTER INSERT ON questions REFERENCING NEW TABLE AS new"
    " FOR EACH STATEMENT EXECUTE FUNCTION hold_forums_of_questions()",
    # Before: what the triggers of other tables write meanwhile may still name the forum.
    ("forum_emptied", "forums"): "BEFORE DELETE ON forums"
    " FOR EACH ROW EXECUTE FUNCTION delete_questions_of_forum()",
    ("model_kept", "models"): "BEFORE DELETE ON models"
    " FOR EACH ROW EXECUTE FUNCTION keep_models_of_questions()",
}
_NAMES = ("hold_forums_of_questions", "delete_questions_of_forum", "keep_models_of_questions")


def upgrade() -> None:
    for function in _FUNCTIONS:
        op.execute(function)
    for (name, _), definition in _TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} {definition}")
    for name in _KEYS:
        op.drop_constraint(name, "questions", type_="foreignkey")


def downgrade() -> None:
    for name, (column, other, ondelete) in _KEYS.items():
        op.create_foreign_key(name, "questions", other, [column], ["id"], ondelete=ondelete)
    for name, table in _TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in _NAMES:
        op.execute(f"DROP FUNCTION {name}()")
