"""The outbox, what was carried out, and how far things have got."""

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies: list[tuple[str, str]] = []

    operations = [
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("name", models.CharField(max_length=250, primary_key=True, serialize=False)),
                ("value", models.CharField(blank=True, default="", max_length=250)),
                ("until", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Change",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("source", models.CharField(max_length=200)),
                ("object_id", models.CharField(max_length=64)),
                ("made_at", models.DateTimeField(auto_now_add=True)),
                ("refused", models.TextField(blank=True, default="")),
                ("check_id", models.CharField(blank=True, default="", max_length=100)),
            ],
            options={
                "verbose_name": "change to be sent",
                "verbose_name_plural": "changes to be sent",
                "indexes": [
                    models.Index(fields=["source", "object_id"], name="askedbefore_change_object")
                ],
            },
        ),
        migrations.CreateModel(
            name="Done",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("action_id", models.CharField(max_length=64, unique=True)),
                ("source", models.CharField(max_length=200)),
                ("object_id", models.CharField(max_length=64)),
                ("kind", models.CharField(max_length=20)),
                ("state", models.CharField(max_length=20)),
                ("reason", models.TextField(blank=True, default="")),
                ("left", models.JSONField(blank=True, default=dict)),
                ("done_at", models.DateTimeField(auto_now=True)),
                ("is_told", models.BooleanField(default=False)),
            ],
            options={
                "verbose_name": "carried out action",
                "indexes": [
                    models.Index(fields=["source", "object_id"], name="askedbefore_done_object")
                ],
            },
        ),
    ]
