#include "lathe/policy/mentions.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/policy/command_class.h"

namespace lathe::policy {

using syntax::SimpleCommand;

namespace {

/// Programs that run text they are given; without the digits of their versions.
constexpr std::string_view kRunText =
    " python perl ruby node deno bun php lua luajit awk gawk mawk nawk sed gsed vim vi ex nvim emacs emacsclient tar "
    "make gmake ssh rsync docker podman tmux screen at batch expect gdb lldb split npx npm pnpm yarn zip socat nc ncat "
    "crontab entr watchexec nodemon hyperfine perf run-parts start-stop-daemon man less most sqlite psql mysql mariadb "
    "dc m4 go hg svn gh ansible vagrant gcloud mosh apt apt-get dpkg gpg bpftrace stap strace dvtm ";
/// Programs that may start one that is named by a word of theirs alone, or at the end of an option.
constexpr std::string_view kRunWords =
    " tar ssh autossh scp sftp rsync sort split nc ncat entr watchexec hyperfine perf gdb lldb rr screen tmux npx bunx "
    "uv uvx pipx poetry pipenv pdm bundle conda mise direnv nix nix-shell docker podman kubectl cmake ccache sccache "
    "bear sshpass torify tsocks faketime cpulimit cgexec systemd-cat catchsegv proot daemonize start-stop-daemon "
    "expect rg cpio cvs svn tcpdump xterm gnome-terminal konsole dtach abduco zellij ";
/// They print what they are given; where to is not looked into, as no file is. What git runs was read.
constexpr std::string_view kPrint = " echo printf git ";

bool is_in(std::string_view names, std::string_view name) {
  return !name.empty() && names.contains(" " + std::string(name) + " ");
}

/// The same of a program that may have its version in its name.
bool is_listed(std::string_view names, std::string_view program) {
  return is_in(names, program) || is_in(names, program.substr(0, program.find_last_not_of("0123456789.") + 1));
}

/// The words inside a text, whatever language it is in.
void add_tokens(std::string_view text, std::vector<std::string_view>& tokens) {
  const auto in_token = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == '/' || c == '+';
  };
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && in_token(text[i])) continue;
    if (i > start) tokens.push_back(text.substr(start, i - start));
    start = i + 1;
  }
}

bool is_one_of(const std::vector<std::string>& names, std::string_view token) {
  return std::ranges::find(names, token) != names.end();
}

std::string_view last_part(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Whether the rule's words follow from there on, options between them left aside.
bool follow(const Rule& rule, const std::vector<std::string_view>& tokens, std::size_t at) {
  for (std::size_t p = 1; p < rule.command.size(); ++p) {
    bool after_option = false;
    while (at < tokens.size() && !is_one_of(rule.command[p], tokens[at])) {
      const bool option = tokens[at].starts_with('-');
      if (!option && !after_option) return false;
      after_option = option;
      ++at;
    }
    if (at++ >= tokens.size()) return false;
  }
  return true;
}

}  // namespace

bool mentions(const Rule& rule, const SimpleCommand& command) {
  const std::string_view name = command.name();
  if (command.only_wraps || is_in(kPrint, name) || classify(command) == CommandClass::kSafe) return false;
  const bool takes_words = is_listed(kRunWords, name);
  const bool takes_text = takes_words || is_listed(kRunText, name);
  const bool one_word = rule.command.size() < 2;
  if (one_word && !takes_text) return false;
  std::vector<std::string_view> tokens;
  const auto add = [&](std::string_view text) {
    const bool looked_into =
        !one_word || takes_words || text.find_first_of(" \t\n(;|&='\"`!") != std::string_view::npos;
    if (looked_into) add_tokens(text, tokens);
    if (takes_words && text.size() > 2 && text[0] == '-' && text[1] != '-') add_tokens(text.substr(2), tokens);
  };
  for (std::size_t i = 1; i < command.words.size(); ++i) add(command.words[i].text);
  if (!command.words.empty()) {
    for (const syntax::Assignment& set : command.assignments) add(set.value.text);
  }
  for (const syntax::Redirection& redirection : command.redirections) {
    if (takes_text && redirection.kind == syntax::Redirection::Kind::kHereText) {
      add_tokens(redirection.target.text, tokens);
    }
  }
  const std::vector<std::string>& programs = rule.command.empty() ? rule.programs : rule.command.front();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (is_one_of(programs, last_part(tokens[i])) && follow(rule, tokens, i + 1)) return true;
  }
  return false;
}

}  // namespace lathe::policy
