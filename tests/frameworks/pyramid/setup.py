import os

from setuptools import find_packages, setup

here = os.path.abspath(os.path.dirname(__file__))
with open(os.path.join(here, "README.txt")) as f:
    README = f.read()

requires = [
    "plaster_pastedeploy",
    "pyramid",
    "pyramid_jinja2",
    "waitress",
]

setup(
    name="myproj",
    version="0.1",
    description="My Project",
    long_description=README,
    author="",
    author_email="",
    url="",
    packages=find_packages(exclude=["tests"]),
    include_package_data=True,
    zip_safe=False,
    install_requires=requires,
    entry_points={
        "paste.app_factory": [
            "main = myproj:main",
        ],
    },
)
