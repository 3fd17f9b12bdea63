#pragma once

namespace lathe::keeper {

/// `lathe-keeper once PORT FREE_BYTES CWD CMD…`: one confined command on our own standard descriptors, for `lathe
/// sandbox run` and what Lathe itself runs jailed. Descriptor 3 holds the encoded CommandJail; with a PORT other than
/// 0, descriptor 4 is a handle on the unix socket to which connections to that port go. So much must stay free on the
/// disks that it writes to (0: no limit). Gives the command's exit code, or 128 + signal, once nothing that it started
/// lives; 126 and 127 as shells do when it cannot be run. One that exceeds a limit is ended, and told of on stderr.
[[nodiscard]] int run_once(unsigned short port, unsigned long long free_bytes, const char* cwd, char** argv);

}  // namespace lathe::keeper
