// What the holder of a program's precompiled headers consists of: CMake links it.
int main() {}
