#include <fcntl.h>
#include <fmt/format.h>

#include "lathe/cli/commands/command.h"
#include "lathe/cli/named_files.h"
#include "lathe/cli/render/table.h"
#include "lathe/cli/trust_question.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

namespace p = lathe::protocol;
using runtime::Async;

namespace {

std::string state_of(const p::TrustItem& item) {
  if (item.trusted) return "trusted";
  if (item.gone) return "gone";
  return item.changed ? "changed" : "not trusted";
}

std::string files(std::size_t count) { return count == 1 ? "1 file" : fmt::format("{} files", count); }

void show(Context* context, const p::TrustListReply& reply) {
  if (reply.items.empty()) {
    context->note(reply.root + " wants nothing loaded");
    return;
  }
  std::vector<std::vector<std::string>> rows;
  for (const p::TrustItem& item : reply.items) {
    rows.push_back({state_of(item), item.kind, item.sha256.substr(0, 12), item.path});
  }
  context->out.add(table_text({"STATE", "KIND", "SHA256", "PATH"}, rows, context->out_style));
}

/// The contents to change: those that are not as they should be.
std::vector<std::string> contents(const p::TrustListReply& reply, bool trusted) {
  std::vector<std::string> hashes;
  for (const p::TrustItem& item : reply.items) {
    if (item.trusted != trusted || (!trusted && item.changed)) hashes.push_back(item.sha256);
  }
  return hashes;
}

}  // namespace

CommandResult execute(Context* context, client::Transport* engine, TrustOptions options) {
  CO_TRY(const std::string path, named_folder("trust", options.path));
  CO_TRY(p::TrustListReply reply, co_await client::call_as(engine, p::TrustList{.path = path}));
  const std::vector<std::string> hashes = contents(reply, !options.revoke);
  bool change = options.revoke || options.yes;
  if (!options.json) show(context, reply);
  if (!change && !options.json && !hashes.empty()) {
    CO_TRY(change, co_await person_trusts(context, fmt::format("Trust {} of {}?", files(hashes.size()), reply.root)));
    if (!change) context->note("nothing was trusted; lathe trust --yes trusts all that is listed");
  }
  if (change && !hashes.empty()) {
    p::TrustSet set{.path = path, .sha256 = hashes, .trusted = !options.revoke};
    CO_TRY(reply, co_await client::call_as(engine, std::move(set)));
    context->note(fmt::format("{} {} of {}", options.revoke ? "took the trust back from" : "trusted",
                              files(hashes.size()), reply.root));
  }
  if (options.json) context->out.add(reply_document(std::move(reply)));
  co_return kDone;
}

}  // namespace lathe::cli
