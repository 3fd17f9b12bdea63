#include "lathe/providers/common/fallback_model.h"

#include <gtest/gtest.h>

#include "lathe/protocol/error_codes.h"
#include "lathe/runtime/loop.h"

namespace lathe::providers::common {
namespace {

using ports::ModelFailure;
using ports::ModelResult;
using runtime::Async;
using runtime::CancelToken;
using runtime::Deadline;

class OneEventStream final : public ports::ModelStream {
 public:
  Async<ModelResult<std::vector<ports::ModelEvent>>> next(CancelToken, Deadline) override {
    std::vector<ports::ModelEvent> events;
    events.emplace_back(ports::Finished{});
    co_return events;
  }
};

/// Fails with what `failure` holds, else answers; counts its requests.
class FakeModel final : public ports::Model {
 public:
  FakeModel(std::string_view name, int& requests, std::optional<ModelFailure>& failure)
      : name_(name), requests_(requests), failure_(failure) {}
  [[nodiscard]] std::string_view provider() const override { return name_; }
  Async<ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest, CancelToken) override {
    ++requests_;
    if (failure_) co_return std::unexpected(*failure_);
    co_return std::make_unique<OneEventStream>();
  }
  Async<ModelResult<std::vector<ports::ModelListing>>> list_models(CancelToken) override {
    co_return std::vector<ports::ModelListing>{};
  }

 private:
  std::string_view name_;
  int& requests_;
  std::optional<ModelFailure>& failure_;
};

class FallbackModelTest : public testing::Test {
 protected:
  /// The first events of one request, or none when it fails.
  std::vector<ports::ModelEvent> ask() { return loop_.block_on(ask_once()); }
  Async<std::vector<ports::ModelEvent>> ask_once() {
    ports::ModelRequest request{.model = "m"};
    auto stream = co_await model_.open(std::move(request), CancelToken());
    if (!stream) co_return std::vector<ports::ModelEvent>{};
    auto events = co_await (*stream)->next(CancelToken(), Deadline::never());
    co_return *std::move(events);
  }

  runtime::Loop loop_;
  int first_requests_ = 0;
  int second_requests_ = 0;
  std::optional<ModelFailure> first_fails_;
  std::optional<ModelFailure> second_fails_;
  FallbackModel model_{std::make_unique<FakeModel>("first", first_requests_, first_fails_),
                       std::make_unique<FakeModel>("second", second_requests_, second_fails_), lacks_endpoint};
  const ModelFailure no_path_{.error = {.code = base::codes::kUnsupported, .message = "no such path"}};
  const ModelFailure busy_{.error = {.code = protocol::error_codes::kRateLimit, .message = "busy"}};
};

TEST_F(FallbackModelTest, SwitchesOnceAndSaysSo) {
  first_fails_ = no_path_;
  const auto events = ask();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(std::get<ports::ModelNotice>(events[0]).code, "wire_switched");
  EXPECT_EQ(model_.provider(), "second");
  first_fails_.reset();
  EXPECT_TRUE(std::holds_alternative<ports::Finished>(ask().at(0)));
  EXPECT_EQ(first_requests_, 1);
  EXPECT_EQ(second_requests_, 2);
}

TEST_F(FallbackModelTest, StaysOnceThePrimaryHasAnswered) {
  (void)ask();
  first_fails_ = no_path_;
  EXPECT_TRUE(ask().empty());
  EXPECT_EQ(second_requests_, 0);
}

TEST_F(FallbackModelTest, OtherFailuresDecideNothing) {
  first_fails_ = busy_;
  EXPECT_TRUE(ask().empty());
  EXPECT_EQ(second_requests_, 0);
  first_fails_ = no_path_;
  EXPECT_FALSE(ask().empty());
  EXPECT_EQ(second_requests_, 1);
}

}  // namespace
}  // namespace lathe::providers::common
