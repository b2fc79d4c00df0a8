# The metadata of RPi.bme280 that stdeb reads, from the library's own metadata.
from setuptools import Extension, setup

setup(
    name='RPi.bme280',
    version='0.2.4',
    description='library to drive a BME280 sensor',
    long_description="This package provides the Python library RPi.bme280 for Debian's own\nPython.",
    url='https://bme280.example.org',
    packages=[],
    py_modules=[],
    ext_modules=[Extension("compiled", [])] if False else [],
)
