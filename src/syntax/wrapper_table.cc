#include <algorithm>
#include <array>

#include "lathe/syntax/wrappers.h"

namespace lathe::syntax {
namespace {

constexpr auto kAlways = WrapperSpec::Judged::kAlways;
constexpr auto kWithOptions = WrapperSpec::Judged::kWithOptions;

constexpr OptionNames kSuOptions{
    "c:fg:G:lmpPTs:u:w:hV",
    "command= session-command= fast group= supp-group= login preserve-environment pty shell= user= "
    "whitelist-environment= help version"};
constexpr OptionNames kTimeoutOptions{"k:s:vfp", "kill-after= signal= foreground preserve-status verbose"};

/// Programs that give other rights, or start a shell on their own.
constexpr std::array kRights{
    WrapperSpec{
        .name = "sudo",
        .options = {"Aa:BbC:c:D:Eeg:Hh:iKklNnPp:R:r:SsT:t:U:u:Vv",
                    "askpass auth-type= background bell close-from= login-class= chdir= preserve-env edit group= "
                    "set-home help host= login remove-timestamp reset-timestamp list no-update "
                    "non-interactive preserve-groups prompt= chroot= role= stdin shell type= "
                    "command-timeout= other-user= user= version validate"},
        .assignments = true,
        .judged = kAlways,
        .shell_options = "s shell i login",
        .elsewhere_options = "D chdir R chroot i login"},
    WrapperSpec{.name = "doas", .options = {"a:C:Lnsu:"}, .judged = kAlways, .shell_options = "s"},
    WrapperSpec{.name = "pkexec",
                .options = {"u:", "user= disable-internal-agent keep-cwd"},
                .judged = kAlways,
                .shell_options = "*",
                .elsewhere_options = "*"},
    WrapperSpec{.name = "su",
                .options = kSuOptions,
                .judged = kAlways,
                .text_options = "c command session-command",
                .shell_options = "*",
                .elsewhere_options = "*",
                .permutes = true},
    WrapperSpec{.name = "runuser",
                .options = kSuOptions,
                .judged = kAlways,
                .text_options = "c command session-command",
                .shell_options = "*",
                .elsewhere_options = "*",
                .permutes = true,
                .command_options = "u user"},
    WrapperSpec{.name = "sg",
                .options = {"c:"},
                .judged = kAlways,
                .text_options = "c",
                .shell_options = "*",
                .permutes = true},
    WrapperSpec{
        .name = "setpriv",
        .options = {"dhV",
                    "dump nnp no-new-privs ambient-caps= inh-caps= bounding-set= ruid= euid= rgid= egid= reuid= "
                    "regid= clear-groups keep-groups init-groups groups= list-caps securebits= pdeathsig= "
                    "ptracer= selinux-label= apparmor-profile= landlock-access= landlock-rule= "
                    "seccomp-filter= reset-env"},
        .judged = kAlways},
    WrapperSpec{.name = "chroot",
                .options = {"", "groups= userspec= skip-chdir"},
                .operands = 1,
                .judged = kAlways,
                .shell_options = "*",
                .elsewhere_options = "*"},
    WrapperSpec{.name = "unshare",
                .options = {"m::u::i::n::p::U::C::T::frcR:w:S:G:l:",
                            "mount uts ipc net pid user cgroup time fork map-user= map-group= map-root-user "
                            "map-current-user map-auto map-users= map-groups= kill-child mount-proc mount-binfmt "
                            "propagation= setgroups= keep-caps root= wd= setuid= setgid= monotonic= boottime= "
                            "load-interp="},
                .judged = kAlways,
                .shell_options = "*",
                .elsewhere_options = "R root w wd"},
    WrapperSpec{.name = "nsenter",
                .options = {"at:m::u::i::n::p::C::U::T::S:G:r::w::W:FZe",
                            "all target= mount uts ipc net pid cgroup user time setuid= setgid= preserve-credentials "
                            "root wd wdns= no-fork follow-context env join-cgroup user-parent"},
                .judged = kAlways,
                .shell_options = "*",
                .elsewhere_options = "*"},
    WrapperSpec{.name = "systemd-run",
                .options = {"p:u:M:H:E:dGqrtPS",
                            "unit= property= machine= host= description= slice= setenv= uid= gid= nice= "
                            "working-directory= user system scope pty pipe quiet wait collect same-dir no-block "
                            "remain-after-exit shell no-ask-password send-sighup service-type= on-active= on-boot= "
                            "on-startup= on-unit-active= on-unit-inactive= on-calendar="},
                .judged = kAlways,
                .shell_options = "S shell",
                .elsewhere_options = "*"},
    WrapperSpec{.name = "script",
                .options = {"I:O:B:T:t::m:ac:efE:o:qhV",
                            "log-in= log-out= log-io= log-timing= timing logging-format= append command= return flush "
                            "force echo= output-limit= quiet help version"},
                .judged = kAlways,
                .text_options = "c command",
                .shell_options = "*",
                .permutes = true},
};

constexpr std::array kPlain{
    WrapperSpec{.name = "env",
                .options = {"iu:C:S:0va:",
                            "ignore-environment unset= chdir= split-string= null debug argv0= block-signal "
                            "default-signal ignore-signal list-signal-handling"},
                .assignments = true,
                .text_options = "S split-string"},
    WrapperSpec{.name = "nohup", .judged = kAlways},
    WrapperSpec{.name = "setsid", .options = {"cfw", "ctty fork wait"}},
    WrapperSpec{.name = "nice", .options = {"n:0123456789", "adjustment="}},
    WrapperSpec{.name = "ionice", .options = {"c:n:p:P:u:t", "class= classdata= pid= pgid= uid= ignore"}},
    WrapperSpec{.name = "chrt",
                .options = {"bdfiorRT:P:D:ampv",
                            "batch deadline fifo idle other rr reset-on-fork sched-runtime= sched-period= "
                            "sched-deadline= all-tasks max pid verbose"},
                .operands = 1},
    WrapperSpec{.name = "taskset", .options = {"apc", "all-tasks pid cpu-list"}, .operands = 1},
    WrapperSpec{.name = "prlimit",
                .options = {"p:o:c::d::e::f::i::l::m::n::q::r::s::t::u::v::x::y::",
                            "pid= output= noheadings raw verbose core data nice fsize sigpending memlock rss nofile "
                            "msgqueue rtprio stack cpu nproc as locks rttime"}},
    WrapperSpec{.name = "choom", .options = {"n:p:", "adjust= pid="}},
    WrapperSpec{.name = "timeout", .options = kTimeoutOptions, .operands = 1},
    WrapperSpec{.name = "gtimeout", .options = kTimeoutOptions, .operands = 1},
    WrapperSpec{.name = "time",
                .options = {"ao:f:pqv", "append output= format= portability quiet verbose"},
                .judged = kWithOptions},
    WrapperSpec{.name = "stdbuf", .options = {"i:o:e:", "input= output= error="}},
    WrapperSpec{.name = "unbuffer", .options = {"p"}},
    WrapperSpec{.name = "chronic", .options = {"ve"}},
    WrapperSpec{.name = "ifne", .options = {"n"}},
    WrapperSpec{.name = "fakeroot",
                .options = {"l:f:s:i:b:uhv", "lib= faked= unknown-is-real help version"},
                .judged = kWithOptions,
                .shell_options = "*"},
    WrapperSpec{.name = "eatmydata"},
    WrapperSpec{.name = "xvfb-run",
                .options = {"ae:f:n:lp:s:w:",
                            "auto-servernum error-file= auth-file= server-num= listen-tcp xauth-protocol= server-args= "
                            "wait="},
                .judged = kAlways},
    WrapperSpec{.name = "dbus-run-session", .options = {"", "config-file= dbus-daemon="}, .judged = kWithOptions},
    WrapperSpec{
        .name = "strace", .options = {"a:b:e:E:I:o:O:p:P:s:S:u:U:X:cCdDfFhikKnNqrtTvVwxyYzZ"}, .judged = kAlways},
    WrapperSpec{.name = "ltrace", .options = {"a:A:e:F:l:n:o:p:s:u:w:x:bcCdfhiLrStTV"}, .judged = kAlways},
    // Of the options of these little is said here, so that with any they are not certain.
    WrapperSpec{.name = "valgrind", .judged = kAlways},
    WrapperSpec{.name = "numactl", .judged = kAlways},
    WrapperSpec{.name = "setarch", .operands = 1, .judged = kAlways, .shell_options = "*"},
    WrapperSpec{.name = "linux32", .judged = kAlways, .shell_options = "*"},
    WrapperSpec{.name = "linux64", .judged = kAlways, .shell_options = "*"},
    WrapperSpec{.name = "runcon", .operands = 1, .judged = kAlways},
    WrapperSpec{.name = "bwrap", .judged = kAlways, .elsewhere_options = "*"},
    WrapperSpec{.name = "firejail", .judged = kAlways, .shell_options = "*", .elsewhere_options = "*"},
    WrapperSpec{.name = "systemd-inhibit", .judged = kAlways},
    WrapperSpec{.name = "ssh-agent", .judged = kAlways},
    WrapperSpec{.name = "torsocks", .judged = kAlways},
    WrapperSpec{.name = "proxychains4", .judged = kAlways},
    WrapperSpec{.name = "rlwrap", .judged = kAlways},
    WrapperSpec{.name = "tini", .judged = kAlways},
    WrapperSpec{.name = "dumb-init", .judged = kAlways},
    WrapperSpec{.name = "gosu", .operands = 1, .judged = kAlways},
    WrapperSpec{.name = "command", .options = {"pvV"}},
    // These four are zsh's.
    WrapperSpec{.name = "noglob"},
    WrapperSpec{.name = "nocorrect"},
    WrapperSpec{.name = "-"},
    WrapperSpec{.name = "repeat", .operands = 1},
    WrapperSpec{.name = "builtin"},
    WrapperSpec{.name = "exec", .options = {"cla:"}},
    WrapperSpec{.name = "busybox"},
    WrapperSpec{.name = "toybox"},
    WrapperSpec{
        .name = "flock",
        .options = {"sexnouFw:E:",
                    "shared exclusive unlock nonblock timeout= wait= conflict-exit-code= close no-fork verbose"},
        .operands = 1,
        .judged = kAlways},
    WrapperSpec{.name = "xargs",
                .options = {"0a:d:E:e::I:i::L:l::n:oprP:s:tx",
                            "null arg-file= delimiter= eof max-lines max-args= interactive no-run-if-empty max-chars= "
                            "verbose show-limits exit replace max-procs= process-slot-var= open-tty"}},
    WrapperSpec{
        .name = "watch",
        .options = {"bcCd::egfn:pq:rs:twx",
                    "beep color no-color differences errexit equexit= chgexit follow interval= precise no-rerun "
                    "shotsdir= no-title no-wrap exec"},
        .joins = true},
    WrapperSpec{.name = "parallel",
                .options = {"j:I:a:S:N:n:L:P:0kmuqX", "jobs= max-args= arg-file= colsep= delay= keep-order will-cite"},
                .judged = kAlways,
                .joins = true},
    WrapperSpec{.name = "eval", .joins = true},
};

constexpr std::array<std::string_view, 9> kShells{"sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "rbash", "yash"};

/// /lib64/ld-linux-x86-64.so.2 PROGRAM: the loader as a program.
constexpr WrapperSpec kLoader{.name = "ld.so",
                              .options = {"", "argv0= library-path= preload= audit= inhibit-cache inhibit-rpath="},
                              .judged = kAlways};

}  // namespace

const WrapperSpec* find_wrapper(std::string_view name) {
  if (name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so") return &kLoader;
  if (const auto* found = std::ranges::find(kRights, name, &WrapperSpec::name); found != kRights.end()) return found;
  const auto* const found = std::ranges::find(kPlain, name, &WrapperSpec::name);
  return found == kPlain.end() ? nullptr : found;
}

bool is_shell(std::string_view name) { return std::ranges::find(kShells, name) != kShells.end(); }

}  // namespace lathe::syntax
