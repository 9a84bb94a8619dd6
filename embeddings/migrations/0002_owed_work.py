from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("embeddings", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="EmbeddingUsage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("provider", models.CharField(max_length=50)),
                ("model", models.CharField(max_length=200)),
                ("owner_id", models.CharField(blank=True, default="", max_length=255)),
                ("requests", models.PositiveBigIntegerField(default=0)),
                ("tokens", models.PositiveBigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "embedding usage",
            },
        ),
        migrations.CreateModel(
            name="FanOut",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("version", models.BigIntegerField()),
                ("dirtied_at", models.DateTimeField(help_text="Since when work is owed.")),
                ("enqueued_at", models.DateTimeField(help_text="When a job for it was last sent on its way.")),
                (
                    "parked_reason",
                    models.TextField(blank=True, default="", help_text="Why its job died; a new save or a retry takes it up again."),
                ),
                ("parked_at", models.DateTimeField(blank=True, null=True)),
                ("entity_type", models.CharField(help_text="Whose entities depend on it.", max_length=100)),
                (
                    "path",
                    models.CharField(
                        blank=True, help_text="From the entity to the changed row, as in a filter; empty: itself.", max_length=255
                    ),
                ),
                ("related_id", models.CharField(help_text="The changed row's key.", max_length=255)),
                (
                    "transaction_id",
                    models.BigIntegerField(default=0, help_text="Of the saver, where it is for this one transaction; else 0."),
                ),
                (
                    "position",
                    models.CharField(blank=True, default="", help_text="The key of the last entity that was marked.", max_length=255),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SyncProgress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("entity_type", models.CharField(max_length=100)),
                ("kind", models.CharField(max_length=20)),
                (
                    "position",
                    models.CharField(blank=True, default="", help_text="The last key looked at; empty: at the beginning.", max_length=255),
                ),
                ("checked", models.PositiveBigIntegerField(default=0, help_text="Entities of this pass so far.")),
                ("found", models.PositiveBigIntegerField(default=0, help_text="Those that were not right.")),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, help_text="When a pass last reached its end.", null=True)),
            ],
            options={
                "verbose_name_plural": "sync progress",
            },
        ),
        migrations.RemoveConstraint(
            model_name="embeddingstate",
            name="embeddings_state_unique",
        ),
        migrations.RemoveIndex(
            model_name="embedding",
            name="embeddings_embedding_entity",
        ),
        migrations.AddField(
            model_name="dirtyentity",
            name="parked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="embeddingstate",
            name="error",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="embeddingstate",
            name="error_class",
            field=models.CharField(blank=True, default="", help_text="Of the last attempt, if it failed.", max_length=100),
        ),
        migrations.AddField(
            model_name="embeddingstate",
            name="failed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="embeddingstate",
            name="recipe",
            field=models.CharField(blank=True, default="", help_text="Content version and chunking: a part of the hash.", max_length=100),
        ),
        migrations.AlterField(
            model_name="embeddingstate",
            name="status",
            field=models.CharField(
                choices=[("embedded", "Embedded"), ("empty", "Empty"), ("removed", "Removed"), ("failed", "Failed")], max_length=10
            ),
        ),
        migrations.AddIndex(
            model_name="embedding",
            index=models.Index(
                fields=["entity_type", "entity_id", "model"], include=("user", "chunk_index"), name="embeddings_embedding_keys"
            ),
        ),
        migrations.AddIndex(
            model_name="embeddingstate",
            index=models.Index(
                condition=models.Q(("error_class", ""), _negated=True), fields=["entity_type"], name="embeddings_state_failed"
            ),
        ),
        migrations.AddConstraint(
            model_name="embeddingstate",
            constraint=models.UniqueConstraint(
                fields=("entity_type", "entity_id", "model"), include=("status",), name="embeddings_state_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="embeddingusage",
            constraint=models.UniqueConstraint(fields=("day", "provider", "model", "owner_id"), name="embeddings_usage_unique"),
        ),
        migrations.AddIndex(
            model_name="fanout",
            index=models.Index(models.F("enqueued_at"), condition=models.Q(("parked_reason", "")), name="embeddings_fan_out_pending"),
        ),
        migrations.AddConstraint(
            model_name="fanout",
            constraint=models.UniqueConstraint(
                fields=("entity_type", "transaction_id", "path", "related_id"), name="embeddings_fan_out_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="syncprogress",
            constraint=models.UniqueConstraint(fields=("entity_type", "kind"), name="embeddings_sync_progress_unique"),
        ),
    ]
