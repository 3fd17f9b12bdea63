#include "lathe/client/records.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "lathe/runtime/loop.h"

namespace lathe::client {
namespace {

using base::Result;
using runtime::Async;

/// Serves numbered records in pages of two.
class PagedTransport final : public Transport {
 public:
  explicit PagedTransport(int records) : records_(records) {}
  Async<Result<protocol::Ack>> submit(std::string, protocol::Op) override { co_return protocol::Ack{}; }
  Async<Result<protocol::ReplyMsg>> call(protocol::Call call) override {
    const auto& request = std::get<protocol::SessionExport>(call);
    if (request.session != "s1") {
      co_return base::Error{.code = base::codes::kNotFound, .message = "no session " + request.session};
    }
    protocol::SessionExportReply reply;
    for (auto seq = request.since + 1; seq <= records_ && reply.records.size() < 2; ++seq) {
      reply.records.push_back("record " + std::to_string(seq));
    }
    const auto last = request.since + static_cast<std::int64_t>(reply.records.size());
    reply.next = stuck ? 1 : last < records_ ? last : 0;
    co_return protocol::ReplyMsg(std::move(reply));
  }
  Async<Result<std::vector<Delivery>>> events(runtime::CancelToken, runtime::Deadline) override {
    co_return std::vector<Delivery>();
  }
  Async<void> close() override { co_return; }
  [[nodiscard]] bool outlives_client() const override { return false; }

  bool stuck = false;

 private:
  int records_;
};

Async<Result<void>> append(std::vector<std::string>* all, std::vector<std::string> lines) {
  all->insert(all->end(), lines.begin(), lines.end());
  co_return Result<void>();
}

Result<std::vector<std::string>> read_all(PagedTransport& transport, const std::string& session) {
  runtime::Loop loop(runtime::TimeMode::kVirtual);
  std::vector<std::string> lines;
  TRY_OK(loop.block_on(read_records(
      &transport, session, [&lines](std::vector<std::string> page) { return append(&lines, std::move(page)); })));
  return lines;
}

TEST(Records, EveryPageInOrder) {
  PagedTransport transport(5);
  EXPECT_EQ(*read_all(transport, "s1"),
            (std::vector<std::string>{"record 1", "record 2", "record 3", "record 4", "record 5"}));
}

TEST(Records, AnEmptySessionHasNone) {
  PagedTransport transport(0);
  EXPECT_TRUE(read_all(transport, "s1")->empty());
}

TEST(Records, ErrorsComeThrough) {
  PagedTransport transport(3);
  EXPECT_EQ(read_all(transport, "other").error().code, base::codes::kNotFound);
}

TEST(Records, APageThatDoesNotAdvanceIsAnError) {
  PagedTransport transport(5);
  transport.stuck = true;
  EXPECT_EQ(read_all(transport, "s1").error().code, base::codes::kInternal);
}

}  // namespace
}  // namespace lathe::client
