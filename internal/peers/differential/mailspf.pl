# Asks Mail::SPF what lines of JSON on stdin are about, with the name server of ARGV[0].
use strict;
use warnings;
use JSON::PP;
use Mail::SPF;
use Net::DNS::Resolver;
use Time::HiRes qw(setitimer ITIMER_VIRTUAL);

$| = 1;
my $resolver = Net::DNS::Resolver->new(
    config_file => '/dev/null', nameservers => ['127.0.0.1'], port => $ARGV[0],
    recurse => 1, defnames => 0, dnsrch => 0, retry => 5, retrans => 3, searchlist => [],
);
my $json = JSON::PP->new->latin1;
my $utf8 = JSON::PP->new->utf8;
while (my $line = <STDIN>) {
    alarm 400; # where nobody is left who would end it
    my $s = $utf8->decode($line);
    utf8::encode($s->{$_}) for qw(sender helo);
    my $server = Mail::SPF::Server->new(
        dns_resolver => $resolver, hostname => $s->{receiver}, default_authority_explanation => 'DEFAULT',
    );
    my %out = (result => 'exception', reason => '', explanation => '');
    eval {
        local $SIG{__WARN__} = sub {};
        # It never ends where a name of over 253 octets begins with a dot: 3 s of the
        # processor are enough for each other case, however busy the machine is.
        local $SIG{VTALRM} = sub { die "no end\n" };
        setitimer(ITIMER_VIRTUAL, 3);
        my $null = $s->{sender} eq '';
        my $request = Mail::SPF::Request->new(
            versions => [1], scope => $null ? 'helo' : 'mfrom', identity => $null ? $s->{helo} : $s->{sender},
            ip_address => $s->{ip}, helo_identity => $s->{helo},
        );
        my $result = $server->process($request);
        $out{result} = $result->code;
        $out{reason} = '' . $result->text;
        $out{explanation} = '' . $result->authority_explanation if $result->code eq 'fail';
        1;
    } or do {
        my $x = $@;
        $out{result} = $x eq "no end\n" ? 'timeout' : 'exception';
        $out{reason} = ref($x) . ' ' . (ref($x) && $x->can('text') ? $x->text : "$x");
    };
    setitimer(ITIMER_VIRTUAL, 0);
    $out{reason} =~ s/[^ -~]/?/g;
    $out{explanation} =~ s/[^ -~]/?/g;
    print $json->encode(\%out), "\n";
}
