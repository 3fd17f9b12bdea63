#pragma once

#include <array>
#include <string_view>

// What of the system every command may see, and what not.

namespace lathe::sandbox {

/// Readable and executable.
inline constexpr std::array<std::string_view, 12> kSystemFolders = {
    "/usr",    "/bin", "/sbin", "/lib", "/lib32", "/lib64",
    "/libx32", "/etc", "/opt",  "/nix", "/gnu",   "/sys/devices/system"};

/// Where names of hosts are looked up when /etc/resolv.conf leads there; with an open network only.
inline constexpr std::array<std::string_view, 2> kResolverFolders = {"/run/systemd/resolve", "/run/resolvconf"};

/// Below the system folders, unreadable for anyone but root, which commands may be run as.
inline constexpr std::array<std::string_view, 14> kSystemSecrets = {"/etc/NetworkManager/system-connections",
                                                                    "/etc/gshadow",
                                                                    "/etc/gshadow-",
                                                                    "/etc/krb5.keytab",
                                                                    "/etc/letsencrypt",
                                                                    "/etc/shadow",
                                                                    "/etc/shadow-",
                                                                    "/etc/ssh/ssh_host_ecdsa_key",
                                                                    "/etc/ssh/ssh_host_ed25519_key",
                                                                    "/etc/ssh/ssh_host_rsa_key",
                                                                    "/etc/ssl/private",
                                                                    "/etc/sudoers",
                                                                    "/etc/sudoers.d",
                                                                    "/etc/wireguard"};

/// Below the system folders, where servers that act with root's rights listen.
inline constexpr std::array<std::string_view, 3> kSystemServers = {"/nix/var/determinate", "/nix/var/nix/daemon-socket",
                                                                   "/nix/var/nix/gc-socket"};

/// The devices that a command may use where it has no /dev of its own.
inline constexpr std::array<std::string_view, 7> kDevices = {"/dev/null",    "/dev/zero", "/dev/full", "/dev/random",
                                                             "/dev/urandom", "/dev/tty",  "/dev/ptmx"};

}  // namespace lathe::sandbox
