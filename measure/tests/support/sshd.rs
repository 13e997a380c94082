//! An OpenSSH server on a loopback port, with keys of its own. Other tests of the project include
//! this file, beside a module `tools`.

use super::tools::tool;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// A running server, which is killed when this is dropped.
pub(crate) struct Sshd(Child);

impl Sshd {
    /// Starts a server whose files are in this folder, among them `ssh_config`, by which a client
    /// reaches it as `board`. The programs of the server run with this `PATH`. Returns `None` on a
    /// machine without OpenSSH.
    pub(crate) fn start(folder: &Path, path: &str) -> Option<Sshd> {
        let tools = ["sshd", "ssh", "ssh-keygen"].map(|name| tool(name, "boards over ssh"));
        let [Some(program), Some(_), Some(keygen)] = tools else { return None };
        let (here, in_folder) = (folder.display(), |name: &str| folder.join(name));
        for key in ["host", "user"] {
            let status = Command::new(&keygen)
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(in_folder(key))
                .status();
            assert!(status.unwrap().success());
        }
        fs::copy(in_folder("user.pub"), in_folder("authorized")).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = format!(
            "ListenAddress 127.0.0.1\nPort {port}\nHostKey {here}/host\nAuthorizedKeysFile {here}/authorized\n\
             PasswordAuthentication no\nStrictModes no\nUsePAM no\nPidFile none\nSetEnv PATH={path}\n"
        );
        fs::write(in_folder("sshd_config"), server).unwrap();
        // Folder for privilege separation, which a server needs if root starts it.
        let _ = fs::create_dir_all("/run/sshd");
        let mut sshd = Command::new(program);
        sshd.args(["-D", "-e", "-f"]).arg(in_folder("sshd_config"));
        let sshd = Sshd(sshd.stderr(Stdio::null()).spawn().unwrap());
        let key = fs::read_to_string(in_folder("host.pub")).unwrap();
        fs::write(in_folder("known_hosts"), format!("[127.0.0.1]:{port} {key}")).unwrap();
        let client = format!(
            "Host board\n HostName 127.0.0.1\n Port {port}\n IdentityFile {here}/user\n IdentitiesOnly yes\n \
             UserKnownHostsFile {here}/known_hosts\n GlobalKnownHostsFile none\n"
        );
        fs::write(in_folder("ssh_config"), client).unwrap();
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "sshd does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        Some(sshd)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
