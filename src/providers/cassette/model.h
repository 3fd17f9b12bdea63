#pragma once

#include <memory>

#include "lathe/ports/model.h"
#include "lathe/providers/cassette/normalise.h"
#include "lathe/providers/cassette/tape.h"

namespace lathe::providers::cassette {

enum class ReplayMode {
  /// The model's answers come from the tape, tools really run; requests are compared after normalising both sides.
  kModel,
  /// Every answer comes from the tape; requests are compared byte for byte.
  kAll,
};

/// Passes everything on to `inner` and writes it down: a request once its answer has ended or failed. A tape that
/// cannot be written fails the request, so that nobody takes half a recording for a whole one.
class RecordingModel final : public ports::Model {
 public:
  /// The tape outlives the model and its streams.
  RecordingModel(std::shared_ptr<ports::Model> inner, TapeWriter& tape);
  [[nodiscard]] std::string_view provider() const override { return inner_->provider(); }
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest request,
                                                                               runtime::CancelToken cancel) override;
  runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(
      runtime::CancelToken cancel) override;

 private:
  std::shared_ptr<ports::Model> inner_;
  TapeWriter& tape_;
};

/// Answers from the tape, in its order, without any network. A request that differs from the recorded one fails with
/// `cassette_mismatch`, which shows the first difference.
class ReplayModel final : public ports::Model {
 public:
  /// `places` are those of this run. The tape outlives the model.
  ReplayModel(Tape& tape, ReplayMode mode, Places places);
  [[nodiscard]] std::string_view provider() const override { return kProvider; }
  runtime::Async<ports::ModelResult<std::unique_ptr<ports::ModelStream>>> open(ports::ModelRequest request,
                                                                               runtime::CancelToken cancel) override;
  runtime::Async<ports::ModelResult<std::vector<ports::ModelListing>>> list_models(
      runtime::CancelToken cancel) override;

 private:
  /// A request as it is compared with others in this mode.
  [[nodiscard]] base::Json comparable(base::Json request, const Places& places) const;

  Tape& tape_;
  const ReplayMode mode_;
  const Places places_;
};

}  // namespace lathe::providers::cassette
