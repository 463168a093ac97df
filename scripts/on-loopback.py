"""Runs a module of Python so that whatever it listens on is 127.0.0.1: on-loopback.py MODULE [ARGUMENT...]"""
import runpy
import socket
import sys

_Socket = socket.socket


class Loopback(_Socket):
    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if family == socket.AF_INET6 and fileno is None:
            family = socket.AF_INET
        super().__init__(family, type, proto, fileno)

    def bind(self, address):
        super().bind(("127.0.0.1", address[1]) if self.family == socket.AF_INET else address)


socket.socket = Loopback
module, sys.argv = sys.argv[1], sys.argv[1:]
runpy.run_module(module, run_name="__main__", alter_sys=True)
