import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("testapp", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Artist",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("born", models.IntegerField(default=1970)),
            ],
        ),
        migrations.CreateModel(
            name="Vehicle",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name="Cover",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("motif", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Label",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=10, unique=True)),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Room",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
            ],
        ),
        migrations.CreateModel(
            name="Album",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("title", models.CharField(max_length=100)),
                ("similar", models.ManyToManyField(to="testapp.album")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ("cover", models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, to="testapp.cover")),
                ("label", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to="testapp.label", to_field="code")),
            ],
        ),
        migrations.CreateModel(
            name="Article",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200)),
                ("deleted_at", models.DateTimeField(null=True)),
                ("author", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ("tags", models.ManyToManyField(to="testapp.tag")),
            ],
        ),
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100)),
                ("article", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="testapp.article")),
            ],
        ),
        migrations.CreateModel(
            name="Booklet",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("album", models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, to="testapp.album")),
            ],
        ),
        migrations.CreateModel(
            name="Car",
            fields=[
                (
                    "vehicle_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="testapp.vehicle",
                    ),
                ),
                ("doors", models.IntegerField(default=4)),
            ],
            bases=("testapp.vehicle",),
        ),
        migrations.CreateModel(
            name="Truck",
            fields=[
                (
                    "vehicle_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="testapp.vehicle",
                    ),
                ),
            ],
            bases=("testapp.vehicle",),
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.TextField()),
                ("article", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="comments", to="testapp.article")),
            ],
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("role", models.CharField(max_length=100)),
                ("album", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="testapp.album")),
                ("artist", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="testapp.artist")),
            ],
        ),
        migrations.AddField(
            model_name="album",
            name="artists",
            field=models.ManyToManyField(through="testapp.Membership", to="testapp.artist"),
        ),
        migrations.AddField(
            model_name="shelf",
            name="room",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to="testapp.room"),
        ),
        migrations.CreateModel(
            name="Song",
            fields=[
                ("code", models.CharField(max_length=20, primary_key=True, serialize=False)),
                ("album", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="testapp.album")),
                ("writer", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to="testapp.artist")),
            ],
        ),
        migrations.CreateModel(
            name="SportsCar",
            fields=[
                (
                    "car_ptr",
                    models.OneToOneField(
                        auto_created=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        parent_link=True,
                        primary_key=True,
                        serialize=False,
                        to="testapp.car",
                    ),
                ),
                ("horsepower", models.IntegerField(default=300)),
            ],
            bases=("testapp.car",),
        ),
        migrations.CreateModel(
            name="Garage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ("car", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to="testapp.car")),
            ],
        ),
    ]
