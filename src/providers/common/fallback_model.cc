#include "lathe/providers/common/fallback_model.h"

#include <utility>

#include "lathe/base/error.h"

namespace lathe::providers::common {
namespace {

/// A stream with one event before its own.
class PrefixedStream final : public ports::ModelStream {
 public:
  PrefixedStream(ports::ModelEvent first, std::unique_ptr<ports::ModelStream> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}

  runtime::Async<ports::ModelResult<std::vector<ports::ModelEvent>>> next(runtime::CancelToken cancel,
                                                                          runtime::Deadline deadline) override {
    if (first_) {
      std::vector<ports::ModelEvent> events{*std::exchange(first_, std::nullopt)};
      co_return events;
    }
    co_return co_await rest_->next(std::move(cancel), deadline);
  }

 private:
  std::optional<ports::ModelEvent> first_;
  std::unique_ptr<ports::ModelStream> rest_;
};

}  // namespace

FallbackModel::FallbackModel(std::unique_ptr<ports::Model> primary, std::unique_ptr<ports::Model> secondary,
                             ShouldSwitch should_switch, FallbackMemory memory)
    : primary_(std::move(primary)),
      secondary_(std::move(secondary)),
      should_switch_(std::move(should_switch)),
      on_switch_(std::move(memory.on_switch)),
      choice_(memory.switched ? Choice::kSecondary : Choice::kUndecided) {}

std::string_view FallbackModel::provider() const {
  return choice_ == Choice::kSecondary ? secondary_->provider() : primary_->provider();
}

runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> FallbackModel::open(
    ports::ModelRequest request, runtime::CancelToken cancel) {
  if (choice_ == Choice::kSecondary) co_return co_await secondary_->open(std::move(request), std::move(cancel));
  auto answer = co_await primary_->open(request, cancel);
  if (answer) {
    if (choice_ == Choice::kUndecided) choice_ = Choice::kPrimary;
    co_return std::move(answer);
  }
  if (choice_ != Choice::kUndecided || !should_switch_(answer.error())) co_return std::move(answer);
  ports::ModelNotice notice{.code = "wire_switched",
                            .message = answer.error().error.message + "; using " + std::string(secondary_->provider()) +
                                       " for this backend from now on"};
  auto second = co_await secondary_->open(std::move(request), std::move(cancel));
  // Only an answer shows that the other wire is there: a proxy's passing 404 decides nothing.
  if (!second) co_return std::move(second);
  choice_ = Choice::kSecondary;
  if (on_switch_) on_switch_();
  co_return std::make_unique<PrefixedStream>(std::move(notice), *std::move(second));
}

runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> FallbackModel::list_models(
    runtime::CancelToken cancel) {
  return (choice_ == Choice::kSecondary ? secondary_ : primary_)->list_models(std::move(cancel));
}

bool lacks_endpoint(const ports::ModelFailure& failure) { return failure.error.code == base::codes::kUnsupported; }

}  // namespace lathe::providers::common
