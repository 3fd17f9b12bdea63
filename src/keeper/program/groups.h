#pragma once

namespace lathe::keeper {

/// `lathe-keeper as PRIMARY OTHERS PROGRAM [WORD…]`: takes these groups (OTHERS: numbers with commas between them, or
/// nothing) and becomes the program. Returns only when that fails, with the exit code.
int run_with_groups(char** words);

}  // namespace lathe::keeper
