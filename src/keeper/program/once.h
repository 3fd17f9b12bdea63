#pragma once

namespace lathe::keeper {

/// `lathe-keeper once PORT CWD CMD…`: one confined command on our own standard descriptors, for `lathe sandbox run`.
/// Descriptor 3 holds the encoded CommandJail; with a PORT other than 0, descriptor 4 is a handle on the unix socket to
/// which connections to that port go. Gives the command's exit code, or 128 + signal, once nothing that it started
/// lives; 126 and 127 as shells do when it cannot be run.
[[nodiscard]] int run_once(unsigned short port, const char* cwd, char** argv);

}  // namespace lathe::keeper
