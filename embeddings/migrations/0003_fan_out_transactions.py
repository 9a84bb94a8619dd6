from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("embeddings", "0002_owed_work"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="fanout",
            name="embeddings_fan_out_unique",
        ),
        migrations.AddField(
            model_name="fanout",
            name="transaction_id",
            field=models.BigIntegerField(default=0, help_text="Of the saver, where it is for this one transaction; else 0."),
        ),
        migrations.AlterField(
            model_name="fanout",
            name="path",
            field=models.CharField(
                blank=True, help_text="From the entity to the changed row, as in a filter; empty: itself.", max_length=255
            ),
        ),
        migrations.AddConstraint(
            model_name="fanout",
            constraint=models.UniqueConstraint(
                fields=("entity_type", "transaction_id", "path", "related_id"), name="embeddings_fan_out_unique"
            ),
        ),
    ]
