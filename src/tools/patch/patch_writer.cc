#include "lathe/tools/patch/patch_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "lathe/base/strings.h"
#include "lathe/tools/common/seen_files.h"
#include "lathe/tools/common/workspace.h"

namespace lathe::tools::patch {

using base::Error;
using base::Result;
using common::Place;
using common::Workspace;

namespace {

struct Step {
  const PlannedFile* file = nullptr;
  Place place;
  /// Permissions of the file as it was, or of the one that is moved here.
  std::optional<mode_t> mode;
  /// Folders that writing it made.
  common::MadeFolders made = {};
};

std::optional<mode_t> mode_of(const Place& place) {
  const auto file = common::open_for_reading(place);
  return file.ok() ? std::optional(file->mode) : std::nullopt;
}

Result<Step> plan_step(const PlannedFile& file, Places& places) {
  TRY(Place place, places.at(file.path));
  TRY(const auto now, common::read_if_there(place));
  if (now != file.before) {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("{} was changed by someone else meanwhile; nothing was written", file.path),
                 .hint = "read it again and make a new patch"};
  }
  auto mode = mode_of(place);
  if (!mode && !file.moved_from.empty()) {
    TRY(const Place from, places.at(file.moved_from));
    mode = mode_of(from);
  }
  return Step{.file = &file, .place = std::move(place), .mode = mode};
}

Result<void> carry_out(const Workspace& workspace, Step& step) {
  const std::optional<std::string>& after = step.file->after;
  return after ? workspace.write(step.place, *after, step.mode, &step.made) : workspace.remove(step.place);
}

Result<void> take_back(const Workspace& workspace, const Step& step) {
  const std::optional<std::string>& before = step.file->before;
  TRY_OK(before ? workspace.write(step.place, *before, step.mode) : workspace.remove(step.place));
  workspace.remove_made(step.made);
  return {};
}

/// Carries out the steps in their order, or none of them.
Result<void> carry_out_all(const Workspace& workspace, std::vector<Step>& steps) {
  for (std::size_t done = 0; done < steps.size(); ++done) {
    auto written = carry_out(workspace, steps[done]);
    if (written.ok()) continue;
    workspace.remove_made(steps[done].made);
    std::vector<std::string> stuck;
    while (done-- > 0) {
      if (!take_back(workspace, steps[done]).ok()) stuck.push_back(steps[done].file->path);
    }
    Error error = std::move(written).error();
    error.message += stuck.empty() ? "; nothing is changed, what was written was taken back"
                                   : "; these could not be taken back: " + base::join(stuck, ", ");
    return error;
  }
  return {};
}

/// A file that goes while another one is written below its name.
bool makes_way(const Step& step, const std::vector<Step>& steps) {
  return !step.file->after && std::ranges::any_of(steps, [&](const Step& other) {
    return other.file->after && other.place.absolute.starts_with(step.place.absolute + "/");
  });
}

/// As the patch has them, but first what makes way.
std::vector<Step> in_order_of_writing(const std::vector<Step>& steps) {
  std::vector<Step> ordered;
  for (const bool first : {true, false}) {
    for (const Step& step : steps) {
      if (makes_way(step, steps) == first) ordered.push_back(step);
    }
  }
  return ordered;
}

Result<void> keep_history(ports::WorkspaceHistory* history, const std::vector<Step>& steps) {
  if (history == nullptr) return {};
  std::vector<ports::FileWrite> writes;
  for (const Step& step : steps) {
    ports::FileWrite write{.path = step.place.real};
    if (step.file->before) write.before = *step.file->before;
    if (step.file->after) write.after = *step.file->after;
    writes.push_back(std::move(write));
  }
  return history->will_write(writes);
}

}  // namespace

Result<void> write_plan(const std::vector<PlannedFile>& files, Places& places, ports::WorkspaceHistory* history,
                        std::optional<unsigned> file_mode_mask) {
  TRY(const Workspace workspace, Workspace::open(places.cwd(), file_mode_mask));
  std::vector<Step> steps;
  for (const PlannedFile& file : files) {
    TRY(Step step, plan_step(file, places));
    steps.push_back(std::move(step));
  }
  steps = in_order_of_writing(steps);
  TRY_OK(keep_history(history, steps));
  TRY_OK(carry_out_all(workspace, steps));
  for (const Step& step : steps) {
    if (step.file->after) common::saw_file(history, step.place, *step.file->after);
  }
  return {};
}

}  // namespace lathe::tools::patch
