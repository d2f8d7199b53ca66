"""Room for the id of a check with many suggestions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("askedbefore_django", "0001_initial")]

    operations = [
        migrations.AlterField(
            model_name="change",
            name="check_id",
            field=models.CharField(blank=True, default="", max_length=1_000),
        )
    ]
