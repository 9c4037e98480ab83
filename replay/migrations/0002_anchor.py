from django.db import migrations, models
from django.db.models import F

HELP = "UTC ns: the entry, or the last jump beyond what was loaded; its front month has true prices."


def anchor_at_entry(apps, schema_editor):
    apps.get_model("replay", "ReplaySession").objects.update(anchor_ns=F("entry_ns"))


class Migration(migrations.Migration):
    dependencies = [("replay", "0001_initial")]

    operations = [
        migrations.AddField(
            "replaysession",
            "anchor_ns",
            models.BigIntegerField(default=0, help_text=HELP),
            preserve_default=False,
        ),
        migrations.RunPython(anchor_at_entry, migrations.RunPython.noop),
    ]
