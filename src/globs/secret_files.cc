#include "lathe/globs/secret_files.h"

#include <ranges>

namespace lathe::globs {

using base::Result;

Result<SecretFiles> SecretFiles::create(const std::vector<std::string>& patterns) {
  SecretFiles files;
  files.patterns_ = patterns;
  for (const std::string& text : patterns) {
    const bool secret = !text.starts_with('!');
    TRY(auto pattern, parse_file_pattern(std::string_view(text).substr(secret ? 0 : 1)).within("secret-files"));
    files.rules_.push_back({std::move(pattern), secret});
  }
  return files;
}

bool SecretFiles::matches(std::string_view path) const {
  if (path.starts_with('/')) path.remove_prefix(1);
  for (const Rule& rule : rules_ | std::views::reverse) {
    if (rule.pattern.matches(path)) return rule.secret;
  }
  return false;
}

const std::vector<std::string>& default_secret_patterns() {
  static const std::vector<std::string> kPatterns{".env",
                                                  ".env.*",
                                                  "!.env.example",
                                                  "!.env.sample",
                                                  "!.env.template",
                                                  "*.pem",
                                                  "*.key",
                                                  "*.p12",
                                                  "*.pfx",
                                                  "*.jks",
                                                  "*.keystore",
                                                  "*.kdbx",
                                                  "*.ppk",
                                                  "id_rsa*",
                                                  "id_dsa*",
                                                  "id_ecdsa*",
                                                  "id_ed25519*",
                                                  "!*.pub",
                                                  ".netrc",
                                                  ".npmrc",
                                                  ".pypirc",
                                                  ".pgpass",
                                                  ".git-credentials",
                                                  ".htpasswd",
                                                  ".vault-token",
                                                  "service-account*.json"};
  return kPatterns;
}

const std::vector<std::string>& home_secret_paths() {
  static const std::vector<std::string> kPaths{".ssh",
                                               ".gnupg",
                                               ".aws",
                                               ".azure",
                                               ".kube",
                                               ".docker",
                                               ".netrc",
                                               ".npmrc",
                                               ".pypirc",
                                               ".pgpass",
                                               ".git-credentials",
                                               ".vault-token",
                                               ".password-store",
                                               ".config/gcloud",
                                               ".config/gh",
                                               ".config/hub",
                                               ".config/git/credentials",
                                               ".config/op",
                                               ".config/sops",
                                               ".config/google-chrome",
                                               ".config/chromium",
                                               ".config/BraveSoftware",
                                               ".config/microsoft-edge",
                                               ".config/vivaldi",
                                               ".config/rclone",
                                               ".config/github-copilot",
                                               ".config/opencode",
                                               ".config/lathe",
                                               ".local/state/lathe",
                                               ".local/share/keyrings",
                                               ".local/share/kwalletd",
                                               ".local/share/opencode",
                                               ".mozilla",
                                               ".thunderbird",
                                               ".bash_history",
                                               ".zsh_history",
                                               ".python_history",
                                               ".node_repl_history",
                                               ".psql_history",
                                               ".mysql_history",
                                               ".sqlite_history",
                                               ".my.cnf",
                                               ".s3cfg",
                                               ".boto",
                                               ".bitcoin",
                                               ".electrum",
                                               ".ethereum",
                                               ".monero",
                                               ".local/share/fish/fish_history",
                                               ".codex",
                                               ".claude",
                                               ".claude.json",
                                               ".gemini",
                                               ".qwen",
                                               ".cursor",
                                               ".cargo/credentials",
                                               ".cargo/credentials.toml",
                                               ".terraform.d/credentials.tfrc.json",
                                               ".m2/settings.xml"};
  return kPaths;
}

}  // namespace lathe::globs
