# Kenwell for Homebrew: the program of the release on Linux, built from source on macOS. `release/build` fills in the
# version and the checksums.
class Kenwell < Formula
  desc "Real-time user store on Redis: profiles from events, and application state"
  homepage "https://github.com/kenwell/kenwell"
  version "@VERSION@"
  license "Apache-2.0"

  on_macos do
    url "https://github.com/kenwell/kenwell/releases/download/v@VERSION@/kenwell-@VERSION@-source.tar.gz"
    sha256 "@SHA256 source@"
    depends_on "rust" => :build
  end

  on_linux do
    on_intel do
      url "https://github.com/kenwell/kenwell/releases/download/v@VERSION@/kenwell-@VERSION@-x86_64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 x86_64-unknown-linux-musl@"
    end
    on_arm do
      url "https://github.com/kenwell/kenwell/releases/download/v@VERSION@/kenwell-@VERSION@-aarch64-unknown-linux-musl.tar.gz"
      sha256 "@SHA256 aarch64-unknown-linux-musl@"
    end
  end

  depends_on "redis" => :recommended

  def install
    if OS.mac?
      system "cargo", "install", *std_cargo_args(path: "crates/kenwell-server")
      (etc/"kenwell").install "packaging/kenwell.toml"
    else
      bin.install "kenwell"
      (etc/"kenwell").install "kenwell.toml"
    end
    generate_completions_from_executable(bin/"kenwell", "completions")
    system bin/"kenwell", "man", "man1"
    man1.install Dir["man1/*.1"]
    (var/"kenwell").mkpath
  end

  service do
    run [opt_bin/"kenwell", "serve", "--config", etc/"kenwell/kenwell.toml"]
    environment_variables KENWELL_DATA_DIR: var/"kenwell"
    keep_alive successful_exit: false
    log_path var/"log/kenwell.log"
    error_log_path var/"log/kenwell.log"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/kenwell --version")
    system bin/"kenwell", "config", "check", etc/"kenwell/kenwell.toml"
  end
end
