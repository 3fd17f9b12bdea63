#include "lathe/daemon/token_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "lathe/base/json.h"
#include "lathe/crypto/constant_time.h"
#include "lathe/crypto/sha256.h"
#include "lathe/runtime/files.h"

namespace lathe::daemon {

using base::Error;
using base::Json;
using base::Result;
using protocol::Scopes;

namespace {

constexpr std::size_t kMaxBytes = 1U << 20;
constexpr int kWords = 4;

Error damaged(const std::string& file) {
  return {.code = base::codes::kCorrupt,
          .message = file + " is no list of tokens",
          .hint = "remove it and give out new ones: lathe daemon token create"};
}

Result<TokenEntry> entry_in(const Json& json, const std::string& file) {
  if (!json.is_object()) return damaged(file);
  TRY(const Scopes scopes, Scopes::parse(base::json_string(json, "scopes")));
  TokenEntry entry{.id = base::json_string(json, "id"),
                   .scopes = scopes,
                   .digest = base::json_string(json, "sha256"),
                   .created_at = json.value("created_at", base::UnixMillis{0})};
  if (entry.id.empty() || !crypto::is_sha256(entry.digest)) return damaged(file);
  return entry;
}

}  // namespace

Result<std::vector<TokenEntry>> TokenBook::list() const {
  auto text = runtime::read_file(file_, kMaxBytes);
  if (!text.ok() && text.error().code == base::codes::kNotFound) return std::vector<TokenEntry>();
  if (!text.ok()) return std::move(text).error();
  const auto json = base::parse_json(*text);
  if (!json.ok() || !json->is_array()) return damaged(file_);
  std::vector<TokenEntry> entries;
  for (const Json& one : *json) {
    TRY(TokenEntry entry, entry_in(one, file_));
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> TokenBook::write(const std::vector<TokenEntry>& entries) const {
  Json json = Json::array();
  for (const TokenEntry& entry : entries) {
    json.push_back(Json{
        {"id", entry.id}, {"scopes", entry.scopes.text()}, {"sha256", entry.digest}, {"created_at", entry.created_at}});
  }
  return runtime::replace_file(file_, base::indent_json(base::dump_json(json)) + "\n", 0600,
                               runtime::Durability::kPower);
}

Result<TokenBook::Made> TokenBook::create(Scopes scopes, base::UnixMillis now, base::Random& random) const {
  TRY(std::vector<TokenEntry> entries, list());
  std::string token = "lathe_";
  for (int word = 0; word < kWords; ++word) token += fmt::format("{:016x}", random.next());
  TokenEntry entry{
      .id = base::short_id("tok", random), .scopes = scopes, .digest = crypto::sha256(token), .created_at = now};
  entries.push_back(entry);
  TRY_OK(write(entries));
  return Made{.entry = std::move(entry), .token = std::move(token)};
}

Result<void> TokenBook::remove(std::string_view id) const {
  TRY(std::vector<TokenEntry> entries, list());
  if (std::erase_if(entries, [&](const TokenEntry& entry) { return entry.id == id; }) == 0) {
    return Error{.code = base::codes::kNotFound,
                 .message = fmt::format("there is no token \"{}\"", id),
                 .hint = "lathe daemon token list"};
  }
  return write(entries);
}

Result<Scopes> TokenBook::judge(std::string_view token) const {
  TRY(const std::vector<TokenEntry> entries, list());
  const base::Sha256Hex digest = crypto::sha256(token);
  std::optional<Scopes> scopes;
  // All of them are looked at, whichever it is.
  for (const TokenEntry& entry : entries) {
    if (crypto::equal_in_constant_time(entry.digest, digest)) scopes = entry.scopes;
  }
  if (scopes) return *scopes;
  return Error{.code = base::codes::kPermission,
               .message = token.empty() ? "a token is needed" : "the token is not one of this daemon's",
               .hint = "lathe daemon token create"};
}

}  // namespace lathe::daemon
