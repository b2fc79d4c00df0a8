#!/bin/sh
# A stand-in for a program of Raspberry Pi OS, from 'debonair try'.
echo "${0##*/} is a stand-in of 'debonair try': it opens no hardware, and has done nothing." >&2
exit 1
