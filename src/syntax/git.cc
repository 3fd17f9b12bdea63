#include "lathe/syntax/git.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/syntax/starter.h"

// git runs other programs: its commands as programs of their own, aliases, what its configuration names, and what some
// of its commands are given. All but its own commands run at the top of the work tree, in that of a submodule, or in
// one that is made for them.

namespace lathe::syntax {
namespace {

constexpr std::string_view kCommands =
    "add am annotate apply archive bisect blame branch bugreport bundle cat-file check-attr check-ignore check-mailmap "
    "check-ref-format checkout checkout-index cherry cherry-pick citool clean clone column commit commit-graph "
    "commit-tree config count-objects credential credential-cache credential-store daemon describe diagnose diff "
    "diff-files diff-index diff-tree difftool fast-export fast-import fetch fetch-pack filter-branch fmt-merge-msg "
    "for-each-ref for-each-repo format-patch fsck fsck-objects gc get-tar-commit-id grep gui hash-object help hook "
    "http-backend http-fetch http-push imap-send index-pack init init-db instaweb interpret-trailers log ls-files "
    "ls-remote ls-tree mailinfo mailsplit maintenance merge merge-base merge-file merge-index merge-one-file "
    "merge-tree "
    "mergetool mktag mktree multi-pack-index mv name-rev notes pack-objects pack-redundant pack-refs patch-id pickaxe "
    "prune prune-packed pull push quiltimport range-diff read-tree rebase receive-pack reflog remote remote-ext "
    "remote-fd repack replace request-pull rerere reset restore rev-list rev-parse revert rm send-email send-pack "
    "shell "
    "shortlog show show-branch show-index show-ref sparse-checkout stage stash status stripspace submodule subtree "
    "switch symbolic-ref tag unpack-file unpack-objects update-index update-ref update-server-info upload-archive "
    "upload-pack var verify-commit verify-pack verify-tag version web--browse whatchanged worktree write-tree";

constexpr OptionNames kOptions{
    "C:c:hpPv",
    "exec-path git-dir= work-tree= namespace= super-prefix= config-env= attr-source= list-cmds= paginate no-pager "
    "no-replace-objects no-lazy-fetch no-optional-locks no-advice bare literal-pathspecs glob-pathspecs "
    "noglob-pathspecs icase-pathspecs html-path man-path info-path help version"};

/// Sections of the configuration of which nothing is run.
constexpr std::string_view kHarmlessSections =
    "color advice user author committer init log column push branch fetch merge rebase status commit tag pull index "
    "pack gc safe i18n blame apply am format";
/// Keys that are harmless, or the other way round in a section that is.
constexpr std::string_view kHarmlessKeys =
    "core.quotepath core.autocrlf core.safecrlf core.eol core.filemode core.ignorecase core.abbrev core.longpaths "
    "diff.renames diff.context diff.noprefix diff.algorithm diff.colormoved diff.mnemonicprefix http.version "
    "http.postbuffer http.lowspeedlimit http.lowspeedtime http.sslverify http.proxy protocol.version";
/// Keys whose value is a command for a shell; so are those of `pager`, and those that end in the words below.
constexpr std::string_view kCommandKeys =
    "core.editor core.pager core.sshcommand core.askpass core.fsmonitor sequence.editor diff.external "
    "interactive.difffilter imap.tunnel";
constexpr std::string_view kCommandWords = "textconv clean smudge process driver";
constexpr std::string_view kRunningWords = "driver helper templatedir";
/// Sections that name programs by `path`.
constexpr std::string_view kToolSections = "browser difftool guitool man mergetool";

/// An option of one of git's commands whose value is a command for a shell.
struct TextOption {
  std::string_view command;
  char letter = '\0';
  /// Long names, separated by blanks.
  std::string_view names;
};
constexpr TextOption kMailOptions{"send-email", '\0', "sendmail-cmd to-cmd cc-cmd header-cmd"};
/// A path is a program, anything else a host.
constexpr TextOption kMailServer{"send-email", '\0', "smtp-server"};
constexpr std::array kTextOptions{
    TextOption{"rebase", 'x', "exec"},
    TextOption{"difftool", 'x', "extcmd"},
    TextOption{"grep", 'O', "open-files-in-pager"},
    TextOption{"clone", 'u', "upload-pack"},
    TextOption{"fetch", '\0', "upload-pack"},
    TextOption{"pull", '\0', "upload-pack"},
    TextOption{"fetch-pack", '\0', "upload-pack exec"},
    TextOption{"ls-remote", '\0', "upload-pack exec"},
    TextOption{"push", '\0', "receive-pack exec"},
    TextOption{"send-pack", '\0', "receive-pack exec"},
    TextOption{"archive", '\0', "exec"},
    TextOption{"filter-branch", '\0',
               "setup env-filter tree-filter index-filter parent-filter msg-filter commit-filter tag-name-filter"},
    kMailOptions,
    TextOption{"daemon", '\0', "access-hook"},
    TextOption{"instaweb", 'd', "httpd"},
};

constexpr auto kElsewhere = Starter::Where::kElsewhere;

/// The name of a key by its parts, in lower case.
struct Key {
  std::string whole;
  std::string_view section;
  std::string_view last;

  explicit Key(std::string_view written)
      : whole(base::lower(written)),
        section(std::string_view(whole).substr(0, whole.find('.'))),
        last(std::string_view(whole).substr(whole.rfind('.') + 1)) {}
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;

  [[nodiscard]] bool holds_command() const {
    return lists(kCommandKeys, whole) || section == "pager" || lists(kCommandWords, last) || last.ends_with("cmd") ||
           last.ends_with("command") || last.ends_with("hook") || (section == "remote" && last.ends_with("pack"));
  }
  [[nodiscard]] bool holds_program() const {
    return last.ends_with("program") || (last == "path" && lists(kToolSections, section));
  }
  [[nodiscard]] bool is_harmless() const {
    const bool runs = holds_command() || holds_program() || lists(kRunningWords, last) || last.ends_with("pack") ||
                      last.ends_with("editor");
    return lists(kHarmlessKeys, whole) || (lists(kHarmlessSections, section) && !runs);
  }
};

bool is_path(const Word& word) { return word.tilde || word.text.starts_with('/') || word.text.starts_with('~'); }

class GitReader final {
 public:
  explicit GitReader(Starter& starter) : starter_(starter) {}
  void read();

 private:
  void options();
  void configured(const Word& setting);
  void command();
  void alias(const Word& value, std::size_t rest);
  void configuration();
  void text_options(const TextOption& option);
  void mail_server(const Word& server);
  [[nodiscard]] std::optional<Word> value_of(const TextOption& option, std::size_t at) const;

  [[nodiscard]] const std::vector<Word>& words() const { return starter_.words(); }

  Starter& starter_;
  /// The word that names git's command.
  std::size_t at_ = 1;
  std::map<std::string, Word> aliases_;
};

void GitReader::read() {
  options();
  if (at_ < words().size()) command();
}

void GitReader::options() {
  OptionReader reader(words(), kOptions);
  while (const std::optional<Option> option = reader.next()) {
    if (!option->known) starter_.not_known("git has an option that is not known here");
    if (option->value && option->value->splits) starter_.not_known("what git runs is computed");
    if (option->name == "c" && option->value) configured(*option->value);
    if (option->name == "config-env" || (option->name == "exec-path" && option->value)) {
      starter_.not_known("git is told elsewhere which programs it runs");
    }
  }
  at_ = reader.at();
}

/// KEY=VALUE, as -c has it.
void GitReader::configured(const Word& setting) {
  const std::size_t equals = std::min(setting.text.find('='), setting.text.size());
  const Key key(std::string_view(setting.text).substr(0, equals));
  Word value = setting;
  value.text.erase(0, equals + 1);
  if (key.section == "alias" && key.whole.size() > key.section.size()) {
    aliases_[key.whole.substr(key.section.size() + 1)] = value;
    alias(value, words().size());
    return;
  }
  if (!key.is_harmless() || key.whole.find_first_of("$`") != std::string::npos) {
    starter_.not_known("git is given configuration that may run programs");
  }
  // Some of them by their text, which is seen all the same.
  const bool marked = value.text.starts_with('!');
  const bool is_helper = key.section == "credential" && key.last == "helper";
  const bool is_update = key.section == "submodule" && key.last == "update";
  if (marked && (is_helper || is_update)) value.text.erase(0, 1);
  const bool is_command = key.holds_command() || (marked && (is_helper || is_update)) || (is_helper && is_path(value));
  if (key.section == "sendemail" && key.last == "smtpserver") mail_server(value);
  if (base::trim(value.text).empty()) return;
  if (is_command) starter_.script(value, kElsewhere);
  if (key.holds_program()) starter_.command({value}, {}, kElsewhere);
}

void GitReader::mail_server(const Word& server) {
  if (server.dynamic) starter_.not_known("what git sends mail by is computed");
  if (is_path(server)) starter_.command({server}, {}, kElsewhere);
}

/// What an alias stands for, with the words from there on.
void GitReader::alias(const Word& value, std::size_t rest) {
  const bool is_command = !value.text.starts_with('!');
  Word text{.text = is_command ? "git " + value.text : value.text.substr(1), .dynamic = value.dynamic};
  for (const Word& word : words_from(words(), rest)) {
    text.text += " " + (word.dynamic ? word.text : base::shell_quote(word.text));
  }
  starter_.script(text, is_command ? Starter::Where::kHere : kElsewhere);
}

void GitReader::command() {
  const std::string_view name = words()[at_].text;
  if (const auto found = aliases_.find(base::lower(name)); found != aliases_.end() && !is_git_command(name)) {
    alias(found->second, at_ + 1);
  }
  for (std::size_t i = at_; i < words().size(); ++i) {
    const std::string& word = words()[i].text;
    const bool is_transport = word.starts_with("ext::") || word.contains("=ext::");
    if (is_transport) starter_.not_known("git runs a command as a transport");
  }
  const auto has = [&](std::string_view word) {
    for (std::size_t i = at_ + 1; i < words().size(); ++i) {
      if (words()[i].text == word) return i;
    }
    return words().size();
  };
  if ((name == "submodule" || name == "submodule--helper") && has("foreach") < words().size()) {
    OptionReader options(words(), {"q", "recursive quiet"}, has("foreach") + 1);
    while (options.next()) {
    }
    starter_.joined(options.at(), kElsewhere);
  }
  if (name == "bisect" && has("run") < words().size()) {
    starter_.command(words_from(words(), has("run") + 1), {}, kElsewhere);
  }
  if (name == "merge-index") {
    OptionReader options(words(), {"oq"}, at_ + 1);
    while (options.next()) {
    }
    // With arguments of git's.
    if (options.at() < words().size()) {
      starter_.command({words()[options.at()], {.text = "…", .dynamic = true, .splits = true}}, {}, kElsewhere);
    }
  }
  if (name == "subtree" && has("push") < words().size()) {
    starter_.command({{.text = "git"}, {.text = "push"}});
  }
  if (name == "for-each-repo" || name == "remote-ext" || name == "shell") {
    starter_.not_known("git runs what one of its commands is given");
  }
  if (name == "config" || name == "clone") configuration();
  for (const TextOption& option : kTextOptions) {
    if (option.command == name) text_options(option);
  }
  for (std::size_t i = at_ + 1; i < words().size() && name == kMailServer.command; ++i) {
    if (const std::optional<Word> server = value_of(kMailServer, i)) mail_server(*server);
  }
}

/// `git config KEY VALUE` and `git clone -c KEY=VALUE`: what is set counts as if it were used.
void GitReader::configuration() {
  if (words()[at_].text == "clone") {
    const TextOption setting{"clone", 'c', "config"};
    for (std::size_t i = at_ + 1; i < words().size(); ++i) {
      if (const std::optional<Word> value = value_of(setting, i)) configured(*value);
    }
    return;
  }
  for (std::size_t i = at_ + 1; i + 1 < words().size(); ++i) {
    const Word& key = words()[i];
    if (key.text.starts_with('-') || (!key.text.contains('.') && !key.dynamic)) continue;
    const Word& value = words()[i + 1];
    return configured({.text = key.text + "=" + value.text, .dynamic = key.dynamic || value.dynamic});
  }
}

std::optional<Word> GitReader::value_of(const TextOption& option, std::size_t at) const {
  const Word& word = words()[at];
  const std::string_view text = word.text;
  std::size_t from = std::string_view::npos;
  // git's Perl programs take long names behind one dash too, in any case.
  const std::size_t dashes = text.starts_with("--") ? 2 : option.command == kMailOptions.command ? 1 : 0;
  if (dashes > 0 && text.starts_with('-')) {
    const std::size_t equals = text.find('=');
    const std::string name =
        base::lower(text.substr(dashes, equals == std::string_view::npos ? equals : equals - dashes));
    bool meant = false;
    for (const std::string_view listed : base::split(option.names, ' ')) {
      meant = meant || (!name.empty() && listed.starts_with(name));
    }
    if (!meant) return std::nullopt;
    if (equals != std::string_view::npos) from = equals + 1;
  } else {
    const std::size_t letter = option.letter != '\0' && text.starts_with('-') ? text.find(option.letter, 1) : text.npos;
    if (letter == std::string_view::npos) return std::nullopt;
    if (letter + 1 < text.size()) from = letter + 1;
  }
  if (from == std::string_view::npos) return at + 1 < words().size() ? std::optional(words()[at + 1]) : std::nullopt;
  Word value = word;
  value.text.erase(0, from);
  return value;
}

void GitReader::text_options(const TextOption& option) {
  for (std::size_t i = at_ + 1; i < words().size(); ++i) {
    if (const std::optional<Word> value = value_of(option, i)) starter_.script(*value, kElsewhere);
  }
}

}  // namespace

bool is_git_command(std::string_view name) { return !name.empty() && lists(kCommands, name); }

bool is_dashed_git(std::string_view program) {
  return program.starts_with("git-") && is_git_command(program.substr(4));
}

void start_git(Starter& starter) {
  if (starter.name() == "git") return GitReader(starter).read();
  std::vector<Word> words = starter.words();
  words.front() = {.text = std::string(starter.name().substr(4))};
  words.insert(words.begin(), Word{.text = "git"});
  starter.command(std::move(words));
}

}  // namespace lathe::syntax
