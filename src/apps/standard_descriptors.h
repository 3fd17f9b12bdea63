#pragma once

namespace lathe::apps {

/// A program that is started without stdin, stdout or stderr must not have files of its own stand in for them. Called
/// before anything is opened.
void open_standard_descriptors();

}  // namespace lathe::apps
