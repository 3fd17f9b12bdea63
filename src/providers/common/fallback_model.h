#pragma once

#include <functional>
#include <memory>

#include "lathe/ports/model.h"

namespace lathe::providers::common {

/// What an earlier life of a backend decided, and who is told when this one switches.
struct FallbackMemory {
  bool switched = false;
  std::function<void()> on_switch;
};

/// Two wires of one backend as one model. The first request decides, for as long as this lives: when `primary` fails in
/// a way that `should_switch` recognises, the same request goes to `secondary`, with a notice, and so does every later
/// one; when it answers, `primary` stays. Any other failure decides nothing.
///
///   undecided --primary answered--> primary
///   undecided --should_switch(failure)--> secondary
class FallbackModel final : public ports::Model {
 public:
  using ShouldSwitch = std::function<bool(const ports::ModelFailure&)>;
  FallbackModel(std::unique_ptr<ports::Model> primary, std::unique_ptr<ports::Model> secondary,
                ShouldSwitch should_switch, FallbackMemory memory = {});

  [[nodiscard]] std::string_view provider() const override;
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest request,
                                                                               runtime::CancelToken cancel) override;
  runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(
      runtime::CancelToken cancel) override;

 private:
  enum class Choice { kUndecided, kPrimary, kSecondary };
  std::unique_ptr<ports::Model> primary_;
  std::unique_ptr<ports::Model> secondary_;
  ShouldSwitch should_switch_;
  std::function<void()> on_switch_;
  Choice choice_ = Choice::kUndecided;
};

/// The predicate for a server that does not have the primary's path: 404 or 405 on the path itself, or a 400 that says
/// so. A model that does not exist is not that.
[[nodiscard]] bool lacks_endpoint(const ports::ModelFailure& failure);

}  // namespace lathe::providers::common
